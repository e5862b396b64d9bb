"""What one person brings to every action: body, style, resting posture; and the helpers actions are written with."""

from dataclasses import dataclass, field

import numpy as np

from llamo.train.synthesis import channels as ch
from llamo.train.synthesis.body import Body, mirrored_body
from llamo.train.synthesis.kinematics import arm_frames, rotation, solve, trunk_turns, two_bone, unit
from llamo.train.synthesis.style import Style
from llamo.train.synthesis.tracks import minimum_jerk, track


FPS = 20.0
RAD = np.pi / 180.0
CHEST, HEAD = 9, 15  # joints


@dataclass
class Request:
    """What the engine asks of an action program (always authored for the right side, or towards the left).

    Args:
        factor: duration factor (1 is the action's normal tempo, above one slower).
        speed: "slow", "normal" or "fast", the word for `factor`.
        count: repetitions, None where the action is not countable.
        direction: one of the catalogue's directions, None where it has none; "left" where sides mirror.
        both: both sides act (side "both").
        seconds: time budget for actions without repetitions.
        alone: the clip holds nothing else, so that any lying posture will do.
        fault: what is wrong with the form, one of faults.py; None: nothing.
    """

    factor: float = 1.0
    speed: str = "normal"
    count: int | None = None
    direction: str | None = None
    both: bool = False
    seconds: float = 3.0
    alone: bool = True
    fault: str | None = None


@dataclass
class Take:
    """What an action program returns.

    Args:
        controls: (T, 49), or (T, 116) with ready joints, in the frame of the segment, beginning and ending in the resting
            posture of its catalogue row.
        events: time of each repetition's key moment, seconds.
        start, end: the span in which the action can be seen, seconds (None: the whole take).
        travel: where the next segment begins: x, z, yaw; None: read from the last frame.
        loose_start, loose_end: the clip may be cropped inside the action (continuous actions such as walking).
    """

    controls: np.ndarray
    events: list = field(default_factory=list)
    start: float | None = None
    end: float | None = None
    travel: tuple | None = None
    loose_start: float = 0.0
    loose_end: float = 0.0


class Context:
    """One person in one clip.

    Args:
        rng: source of all randomness. body, style: who moves and how.
        posture: personal habits (drawn by :func:`random_posture`), degrees and metres.
    """

    def __init__(self, rng: np.random.Generator, body: Body, style: Style, posture: dict, mirrored: bool = False):
        self.rng, self.body, self.style, self.posture = rng, body, style, posture
        self.is_mirrored = mirrored
        self.fps = FPS
        self.scale = body.stature / 1.73
        self.leg, self.arm = body.leg, body.arm
        self.base = self._resting()
        self.seat = posture["seat"] * self.leg
        self.height = float(self.base[1])

    def mirrored(self) -> "Context":
        """The same person in a mirror: a program run on it and mirrored back does the action on the other side."""
        other = object.__new__(Context)
        other.__dict__.update(self.__dict__)
        other.body = mirrored_body(self.body)
        other.base = ch.mirror(self.base)
        other.is_mirrored = not self.is_mirrored
        return other

    def _resting(self) -> np.ndarray:
        body, style, p = self.body, self.style, self.posture
        base = np.zeros(ch.SIZE)
        drop = (0.006 + style.knees + p["knees"]) * self.leg
        base[ch.PELVIS] = (0.0, body.pelvis_height - drop, 0.0)
        base[ch.PITCH] = (style.lean * 0.4 + p["tilt"]) * RAD
        base[ch.SPINE] = ((style.lean * 0.6 + style.stoop + p["spine"]) * RAD, p["side"] * RAD, p["twist"] * RAD)
        base[ch.HEAD] = ((style.head + p["head"] - 0.4 * style.stoop) * RAD, -0.6 * p["side"] * RAD, 0.0)
        base[ch.CLAV] = np.array([style.shrug + p["shrug"][0], p["round"], style.shrug + p["shrug"][1], p["round"]]) * RAD
        base[ch.ARM] = self.arms(
            (p["arm_az"][0], p["arm_out"][0] + style.arms_out, p["elbow"][0] + style.elbows),
            (p["arm_az"][1], p["arm_out"][1] + style.arms_out, p["elbow"][1] + style.elbows),
        )
        half = p["stance"] * style.width * self.scale
        hip = float(np.abs(body.rest[[1, 2], 0]).mean())
        half = 0.4 * hip + 0.6 * half + p["extra_width"]
        for i, (slot, sign) in enumerate(((ch.FOOT_L, 1.0), (ch.FOOT_R, -1.0))):
            forward = body.foot[i, 2] * 0.72 + p["stagger"] * sign
            base[slot] = (sign * half, body.ball, forward, 0.0, sign * p["toe_out"][i] * RAD)
        base[ch.KNEE] = p["knee_out"] * RAD
        base[ch.ARM_FRAME] = 0.35
        return base

    @staticmethod
    def arms(left, right) -> np.ndarray:
        """(12,) resting arm directions from (azimuth, elevation, elbow flexion) in degrees; the elbow bends forward."""
        out = []
        for (azimuth, elevation, elbow), sign in ((left, 1), (right, -1)):
            upper = ch.direction(azimuth, max(elevation, 1.0), sign)
            elbow = max(elbow, 3.0) * RAD
            bend = np.array([-0.35 * sign, 0.0, 1.0])
            bend -= (bend @ upper) * upper
            bend /= np.linalg.norm(bend)
            out += [upper, np.cos(elbow) * upper + np.sin(elbow) * bend]
        return np.concatenate(out)

    # poses -------------------------------------------------------------------------------------------------------

    def pose(
        self,
        *,
        origin=None,
        drop=0.0,
        dx=0.0,
        dz=0.0,
        dy=0.0,
        yaw=0.0,
        pitch=0.0,
        roll=0.0,
        spine=(0, 0, 0),
        head=(0, 0, 0),
        la=None,
        ra=None,
        arms=None,
        shrug=0.0,
        lshrug=0.0,
        rshrug=0.0,
        lf=None,
        rf=None,
        knees=0.0,
        lk=0.0,
        rk=0.0,
        lh=None,
        rh=None,
        frame=None,
        wobble=5.0,
    ) -> np.ndarray:
        """A key pose (49,): the resting posture with changes. Degrees; metres scaled by the person's stature.

        Args:
            origin: pose to change, default the resting posture.
            drop: lowering of the pelvis as a fraction of the leg. dx (to the left), dy, dz: shift of the pelvis.
            yaw, pitch, roll: added to the pelvis. spine: (pitch, roll, twist) added. head: (pitch, roll, yaw) added.
            la, ra, arms: (upper azimuth, upper elevation, fore azimuth, fore elevation) of the left, right or both arms.
            shrug, lshrug, rshrug: raised shoulders. lf, rf: (out, up, forward, toes down, toes out) of the feet.
            knees, lk, rk: knees turned outward. lh, rh: (x, y, z) wrist targets in the frame of the segment, metres.
            frame: whether arm directions follow the chest (1) or hang from the heading (0).
            wobble: personal variation of the arm angles, degrees.
        """
        out = (self.base if origin is None else origin).copy()
        s = self.scale
        out[0] += dx * s
        out[1] += dy * s - drop * self.leg
        out[2] += dz * s
        out[ch.YAW] += yaw * RAD
        out[ch.PITCH] += pitch * RAD
        out[ch.ROLL] += roll * RAD
        out[ch.SPINE] += np.asarray(spine) * RAD
        out[ch.HEAD] += np.asarray(head) * RAD
        out[[12, 14]] += np.array([shrug + lshrug, shrug + rshrug]) * RAD
        la, ra = (arms if la is None else la), (arms if ra is None else ra)
        for slot, angles, sign in ((slice(16, 22), la, 1), (slice(22, 28), ra, -1)):
            if angles is not None:
                a, b, c, d = np.asarray(angles, float) + np.clip(self.rng.standard_normal(4), -2, 2) * wobble
                out[slot] = self._limit_elbow(ch.direction(a, b, sign), ch.direction(c, d, sign))
        for slot, change, sign in ((28, lf, 1.0), (33, rf, -1.0)):
            if change is not None:
                out_, up, forward, pitch_, toe = change
                out[slot] += sign * out_ * s
                out[slot + 1] += up * s
                out[slot + 2] += forward * s
                out[slot + 3] += pitch_ * RAD
                out[slot + 4] += sign * toe * RAD
        out[38] += (knees + lk) * RAD
        out[39] += (knees + rk) * RAD
        for slot, target in ((40, lh), (44, rh)):
            if target is not None:
                out[slot : slot + 3] = target
                out[slot + 3] = 1.0
        if frame is not None:
            out[ch.ARM_FRAME] = frame
        return out

    def at_head(self, pose: np.ndarray, right=None, left=None, spread: float = 0.015) -> np.ndarray:
        """`reach` from the head's joint, which lies at the height of the ears, as the head looks."""
        return self.reach(pose, HEAD, right, left, spread)

    def reach(self, pose: np.ndarray, joint: int, right=None, left=None, spread: float = 0.015) -> np.ndarray:
        """The same pose with wrists brought to places at the body, by the arms alone.

        Args:
            pose: whose arms tell where the elbows point.
            joint: whose place the others are told from.
            right, left: (outward, up, ahead) of the wrist from that joint, along the heading of the trunk or of the head;
                metres for a stature of 1.73. None leaves the arm.
            spread: standard deviation of what is added to each, metres.
        """
        out = pose.copy()
        zero = np.zeros(1)
        heading = out[ch.YAW] + out[8] * (joint in (CHEST, HEAD)) + out[11] * (joint == HEAD)
        ahead = rotation(zero, zero, np.array([heading]))[0]
        places = {
            arm: np.asarray(place, float) * (sign, 1, 1) + np.clip(self.rng.standard_normal(3), -2, 2) * spread
            for arm, (place, sign) in enumerate(((left, 1.0), (right, -1.0)))
            if place is not None
        }
        for _ in range(3):  # a raised arm lifts its shoulder
            joints = solve(out[None], self.body)[0]
            frame = np.linalg.inv(arm_frames(out[None], trunk_turns(out[None])[-1])[0])
            for arm, place in places.items():
                shoulder, elbow, wrist = (joints[each + arm] for each in (16, 18, 20))
                target = joints[joint] + ahead @ place * self.scale
                pole = elbow - 0.5 * (shoulder + wrist) + 0.02 * (elbow - shoulder)
                elbow, wrist = two_bone(shoulder, target, pole, self.body.upper_arm[arm], self.body.forearm[arm])
                slot = 16 + 6 * arm
                out[slot : slot + 3] = unit(frame @ (elbow - shoulder))
                out[slot + 3 : slot + 6] = unit(frame @ (wrist - elbow))
        return out

    def stoop_to(self, pose: np.ndarray, height: float) -> np.ndarray:
        """The same pose bent and lowered until its lower wrist is `height` above the floor, metres for a stature of 1.73."""
        out = pose.copy()
        for _ in range(8):
            joints = solve(out[None], self.body)[0]
            missing = float(joints[20:22, 1].min()) - height * self.scale
            if missing < 0.01:
                break
            out[1] -= min(0.45 * missing, max(0.0, float(joints[0, 1]) - 0.28 * self.leg))
            out[ch.PITCH] += 22 * RAD * missing
            out[6] += 22 * RAD * missing
            out[2] -= 0.1 * missing
        return out

    @staticmethod
    def _limit_elbow(upper: np.ndarray, fore: np.ndarray) -> np.ndarray:
        # An elbow flexes 3 to 148 degrees.
        c = float(np.clip(upper @ fore, -1, 1))
        low = -0.85
        if c < low:
            side = fore - c * upper
            side /= max(np.linalg.norm(side), 1e-6)
            fore = low * upper + np.sqrt(1 - low * low) * side
        return np.concatenate([upper, fore])

    def vary(self, pose: np.ndarray, amount: float = 1.0) -> np.ndarray:
        """The same pose as done at another repetition: a few millimetres and degrees off."""
        r = self.rng
        out = pose.copy()
        a = amount * self.style.noise
        out[[0, 1, 2]] += r.normal(0, (0.006, 0.004, 0.006)) * a
        out[3:12] += r.normal(0, 1.1 * RAD, 9) * a
        out[ch.ARM] += r.normal(0, 0.035, 12) * a
        # targets that are used at all
        for slot in (28, 33):
            if pose[slot + 1] > self.body.ball + 0.05:
                out[slot : slot + 3] += r.normal(0, 0.012, 3) * a
        return out

    def blend(self, pose: np.ndarray, amount: float, origin=None) -> np.ndarray:
        """Part of the way from the resting posture to a pose (arm directions turn by that part)."""
        base = self.base if origin is None else origin
        out = base + amount * (pose - base)
        for i in range(16, 28, 3):
            out[i : i + 3] = _slerp(base[i : i + 3], pose[i : i + 3], amount)
        return out

    # time --------------------------------------------------------------------------------------------------------

    def frames(self, seconds: float) -> np.ndarray:
        """Frame times of a span, seconds (at least two frames)."""
        return np.arange(max(2, int(round(seconds * self.fps)))) / self.fps

    def play(self, keys, *, seconds: float | None = None) -> np.ndarray:
        """Controls (T, 49) through key poses.

        Args:
            keys: list of (time in seconds, pose).
        """
        times, poses = [keys[0][0]], [keys[0][1]]
        for time, pose in keys[1:]:
            time = max(time, times[-1] + 0.05)
            previous = poses[-1]
            # Nearly opposite arm directions would pass through the shoulder: go by way of forward and outward.
            detour = None
            for i, sign in ((16, 1.0), (19, 1.0), (22, -1.0), (25, -1.0)):
                a, b = previous[i : i + 3], pose[i : i + 3]
                if a @ b < -0.35:
                    if detour is None:
                        detour = 0.5 * (previous + pose)
                    middle = a + b + 0.55 * np.array([0.55 * sign, 0.0, 0.83])
                    detour[i : i + 3] = middle / max(np.linalg.norm(middle), 1e-6)
            if detour is not None:
                for i in (16, 19, 22, 25):
                    detour[i : i + 3] /= max(np.linalg.norm(detour[i : i + 3]), 1e-6)
                times.append(0.5 * (times[-1] + time))
                poses.append(detour)
                time = max(time, times[-1] + 0.04)
            times.append(time)
            poses.append(pose)
        t = self.frames(times[-1] if seconds is None else seconds)
        stack = np.stack(poses)
        out = track(times, stack, t)
        self._lift_moving_feet(np.asarray(times), stack, t, out)
        return out

    def _lift_moving_feet(self, times: np.ndarray, poses: np.ndarray, t: np.ndarray, out: np.ndarray) -> None:
        """A foot that changes its place on the floor is lifted for it: first one foot, then the other."""
        floor = self.body.ball + 0.015
        moves = []
        for slot in (28, 33):
            shift = np.hypot(np.diff(poses[:, slot]), np.diff(poses[:, slot + 2]))
            low = (poses[:-1, slot + 1] < floor) & (poses[1:, slot + 1] < floor)
            moves.append((shift > 0.02) & low)
        for i in np.flatnonzero(moves[0] | moves[1]):
            a, b = np.searchsorted(t, times[i]), np.searchsorted(t, times[i + 1])
            if b - a < 2:
                continue
            u = (t[a:b] - times[i]) / (times[i + 1] - times[i])
            both = moves[0][i] and moves[1][i]
            for k, slot in enumerate((28, 33)):
                if not moves[k][i]:
                    continue
                v = np.clip((u - 0.48 * k) / 0.52, 0, 1) if both else np.clip((u - 0.1) / 0.8, 0, 1)
                ease = minimum_jerk(v)[:, None]
                keep = [slot, slot + 2, slot + 4]
                out[a:b, keep] = poses[i, keep] * (1 - ease) + poses[i + 1, keep] * ease
                far = float(np.hypot(*(poses[i + 1, [slot, slot + 2]] - poses[i, [slot, slot + 2]])))
                out[a:b, slot + 1] += min(0.03 + 0.16 * far, 0.12) * np.sin(np.pi * v) ** 1.2

    def uneven(self, count: int, spread: float = 0.07) -> np.ndarray:
        """(count,) duration factors: drift over a set of repetitions and differences between them."""
        drift = self.rng.normal(0, 0.06) * np.linspace(-1, 1, count) if count > 1 else np.zeros(count)
        return np.clip(1 + drift + np.clip(self.rng.standard_normal(count), -2, 2) * spread, 0.7, 1.4)

    def repeat(
        self,
        count: int,
        period: float,
        cycle,
        *,
        lead=None,
        ready=None,
        settle: float = 0.0,
        key: float = 0.5,
        pause: float = 0.12,
        hold: float = 0.0,
        vary: float = 1.0,
    ) -> Take:
        """Repetitions of a cycle of key poses.

        Args:
            period: seconds of one repetition. cycle: list of (fraction of the period, pose) or a function of the
                repetition's index returning one; the fraction runs in (0, 1] and the last pose is the ready pose.
            lead: seconds to get from the resting posture to `ready` (0: the cycle starts from rest).
            ready: pose between repetitions, default resting. settle: seconds to return to rest.
            key: fraction of the period that is the key moment (event time). pause: chance of a pause between
            repetitions. hold: extra seconds to stay in the pose before `key` chosen at random.
        """
        ready = self.base if ready is None else ready
        keys = [(0.0, self.base)]
        time = 0.0
        if lead:
            time = lead
            keys.append((time, ready))
        start = 0.0
        events = []
        factors = self.uneven(count)
        amplitude = 1 + np.clip(self.rng.standard_normal(count), -2, 2) * 0.05
        skew = self.rng.uniform(0.9, 1.1)
        for i in range(count):
            duration = period * factors[i]
            poses = cycle(i) if callable(cycle) else cycle
            for fraction, pose in poses:
                fraction = fraction**skew
                last = fraction >= 0.999
                target = pose if last else self.blend(pose, float(amplitude[i]), ready)
                keys.append((time + fraction * duration, self.vary(target, vary)))
            events.append(float(time + key**skew * duration))
            time += duration
            if i < count - 1 and self.rng.random() < pause:
                wait = self.rng.uniform(0.15, 0.6) * min(1.0, period)
                time += wait
                keys.append((time, self.vary(keys[-1][1], 0.5)))
        end = time
        if settle:
            time += settle
            keys.append((time, self.base))
        else:
            keys[-1] = (keys[-1][0], self.base)
        return Take(self.play(keys), events, start, end + 0.4 * settle)

    def stay(self, pose: np.ndarray, reach: float, seconds: float) -> Take:
        """Takes a pose in `reach` seconds, stays in it with small changes and returns to rest; `seconds` in all."""
        keys, time = [(0.0, self.base), (reach, pose)], reach
        while time < seconds - reach:
            time += self.rng.uniform(0.5, 1.2)
            keys.append((time, self.vary(pose, 1.2)))
        keys.append((time + reach, self.base))
        return Take(self.play(keys), [reach])

    def to_and_fro(self, one: np.ndarray, two: np.ndarray, beat: float, seconds: float) -> Take:
        """Between two poses every `beat` seconds, a little different each time, now and then with a rest."""
        r = self.rng
        beat = float(np.clip(beat, 0.1, 0.6))
        keys, time, at_one = [(0.0, self.base), (0.7, one)], 0.7, True
        while time < seconds - 0.7:
            if r.random() < 0.06:
                time += r.uniform(0.2, 0.6)
                keys.append((time, self.vary(keys[-1][1], 0.4)))
            time += beat * r.uniform(0.85, 1.2)
            at_one = not at_one
            keys.append((time, self.vary(one if at_one else two, 0.5)))
        keys.append((time + 0.7, self.base))
        return Take(self.play(keys))


def _slerp(a: np.ndarray, b: np.ndarray, amount: float) -> np.ndarray:
    c = float(np.clip(a @ b, -1, 1))
    angle = np.arccos(c)
    if angle < 1e-3 or angle > 3.0:
        return b if amount >= 0.5 else a
    return (np.sin((1 - amount) * angle) * a + np.sin(amount * angle) * b) / np.sin(angle)


def random_posture(rng: np.random.Generator, *, held_out: bool = False) -> dict:
    """Personal habits of standing: degrees, metres."""
    k = 1.3 if held_out else 1.0
    n = lambda sd: float(np.clip(rng.standard_normal(), -2.3, 2.3) * sd * k)  # noqa: E731
    return {
        "tilt": 1.0 + n(2.5),
        "spine": 1.0 + n(5.0),
        "side": n(1.2),
        "twist": n(2.0),
        "head": -4.0 + n(6.0),
        "shrug": (n(2.5), n(2.5)),
        "round": n(5.0),
        "arm_az": (50 + n(35.0), 50 + n(35.0)),
        "arm_out": tuple(4.5 + abs(n(5.0)) + x for x in (n(2.0), n(2.0))),
        "elbow": tuple(12.0 + abs(n(12.0)) + x for x in (n(4.0), n(4.0))),
        "stance": float(rng.uniform(0.05, 0.16)),
        "extra_width": float(rng.choice([0.0, 0.0, rng.uniform(0, 0.05)])),
        "stagger": n(0.012),
        "toe_out": (7 + n(6.0), 7 + n(6.0)),
        "knee_out": 2.0 + n(4.0),
        "knees": abs(n(0.004)),
        "seat": float(rng.uniform(0.44, 0.6)),
        "swing": float(np.exp(n(0.25))),
        "hand_height": n(6.0),
    }
