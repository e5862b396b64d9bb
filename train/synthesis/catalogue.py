"""The words of every procedural action: one row an action, read by the engine and by the question maker.

`ACTIONS[key]` is an :class:`Action`. The engine (engine.py) only needs the key, the postures and what may vary;
the question maker needs the words. Nothing here imports the engine.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Action:
    """What may be said about one action.

    Args:
        key: name used in `Segment.action`.
        gerund: completes "The person is ..." ("walking backwards").
        base: infinitive without "to" ("walk backwards").
        singular, plural: noun for counting ("squat", "squats"); also used as a title ("a squat").
        family: "locomotion", "gesture", "exercise", "sport", "everyday" or "dance".
        countable: whether repetitions are counted (`Segment.count` is an int).
        part: body part that `Segment.side` speaks of ("hand", "arm", "leg", "foot"), None for two-sided actions.
        sides: values that `Segment.side` may take.
        directions: values that `Segment.direction` may take, empty when it is always None.
        turns: values that `Segment.turn` may take.
        synonyms: other gerunds a person would accept for the same motion.
        confusable: keys of actions that look alike: never use one as the wrong choice for the other.
        start, end: posture in which the action begins and ends ("stand", "sit", "lie").
    """

    key: str
    gerund: str
    base: str
    singular: str
    plural: str
    family: str
    countable: bool = False
    part: str | None = None
    sides: tuple[str, ...] = ()
    directions: tuple[str, ...] = ()
    turns: tuple[str, ...] = ()
    synonyms: tuple[str, ...] = ()
    confusable: tuple[str, ...] = ()
    start: str = "stand"
    end: str = "stand"

    @property
    def sided(self) -> bool:
        """Whether the side ("left", "right", sometimes "both") distinguishes two ways of doing it."""
        return bool(self.sides)

    @property
    def directed(self) -> bool:
        """Whether the motion has a travelling or pointing direction worth asking for."""
        return bool(self.directions)


LR = ("left", "right")
LRB = ("left", "right", "both")
FB = ("forward", "backward")
FBLR = ("forward", "backward", "left", "right")
FLR = ("forward", "left", "right")


def _table() -> tuple[Action, ...]:
    A = Action
    return (
        # locomotion
        A("stand", "standing still", "stand still", "stand", "stands", "locomotion",
          synonyms=("standing", "standing idle", "waiting"), confusable=("sway",)),
        A("walk", "walking", "walk", "walk", "walks", "locomotion", directions=("forward",),
          synonyms=("walking forward", "strolling"), confusable=("sneak", "limp", "march", "walk_curve", "carry")),
        A("jog", "jogging", "jog", "jog", "jogs", "locomotion", directions=("forward",),
          synonyms=("jogging forward", "running slowly"), confusable=("run", "sprint")),
        A("run", "running", "run", "run", "runs", "locomotion", directions=("forward",),
          synonyms=("running forward",), confusable=("jog", "sprint")),
        A("sprint", "sprinting", "sprint", "sprint", "sprints", "locomotion", directions=("forward",),
          synonyms=("running fast",), confusable=("run", "jog")),
        A("walk_backward", "walking backwards", "walk backwards", "backward walk", "backward walks", "locomotion",
          directions=("backward",), synonyms=("stepping backwards", "backing up")),
        A("sidestep", "sidestepping", "sidestep", "side step", "side steps", "locomotion", directions=LR,
          synonyms=("stepping sideways", "walking sideways"), confusable=("shuffle",)),
        A("shuffle", "shuffling sideways", "shuffle sideways", "side shuffle", "side shuffles", "locomotion",
          directions=LR, synonyms=("galloping sideways",), confusable=("sidestep",)),
        A("turn", "turning around in place", "turn in place", "turn", "turns", "locomotion", turns=LR,
          directions=("in place",), synonyms=("turning on the spot",), confusable=("spin", "pirouette")),
        A("walk_curve", "walking in a curve", "walk in a curve", "curved walk", "curved walks", "locomotion",
          directions=("forward",), turns=LR, synonyms=("walking in a circle", "walking while turning"),
          confusable=("walk",)),
        A("run_curve", "running in a curve", "run in a curve", "curved run", "curved runs", "locomotion",
          directions=("forward",), turns=LR, synonyms=("running in a circle",), confusable=("run", "jog")),
        A("sneak", "sneaking", "sneak", "sneak", "sneaks", "locomotion", directions=("forward",),
          synonyms=("creeping", "walking crouched"), confusable=("walk",)),
        A("limp", "limping", "limp", "limp", "limps", "locomotion", part="leg", sides=LR, directions=("forward",),
          synonyms=("walking with a limp",), confusable=("walk",)),
        A("march", "marching", "march", "march step", "march steps", "locomotion", countable=True,
          directions=("forward", "in place"), synonyms=("walking with high knees",),
          confusable=("high_knees", "walk")),
        A("walk_in_place", "walking in place", "walk in place", "step in place", "steps in place", "locomotion",
          directions=("in place",), synonyms=("stepping on the spot",), confusable=("march", "high_knees")),
        A("hop", "hopping on one leg", "hop on one leg", "hop", "hops", "locomotion", countable=True, part="leg",
          sides=LR, directions=("forward", "in place"), synonyms=("jumping on one leg",)),
        A("skip", "skipping", "skip", "skip", "skips", "locomotion", directions=("forward",),
          synonyms=("skipping forward",), confusable=("jog", "run", "hop")),
        A("step_up", "stepping up", "step up onto something", "step up", "step-ups", "locomotion", part="leg",
          sides=LR, directions=("up",), synonyms=("climbing onto a step",), confusable=("climb_stairs",)),
        A("climb_stairs", "climbing stairs", "climb stairs", "stair climb", "stair climbs", "locomotion",
          directions=("up",), synonyms=("walking up the stairs", "walking upstairs"), confusable=("step_up",)),
        A("descend_stairs", "walking down stairs", "walk down stairs", "stair descent", "stair descents",
          "locomotion", directions=("down",), synonyms=("going downstairs",)),
        A("climb", "climbing", "climb", "climb", "climbs", "locomotion", directions=("up",),
          synonyms=("climbing a ladder",)),
        A("crawl", "crawling", "crawl", "crawl", "crawls", "locomotion", directions=("forward",),
          synonyms=("crawling on hands and knees",)),
        # jumps
        A("jump", "jumping in place", "jump in place", "jump", "jumps", "exercise", countable=True,
          directions=("in place",), synonyms=("jumping", "jumping up and down"), confusable=("jump_rope",)),
        A("jump_forward", "jumping forward", "jump forward", "forward jump", "forward jumps", "exercise",
          countable=True, directions=("forward",), synonyms=("leaping forward", "doing a long jump"),
          confusable=("jump",)),
        A("jump_side", "jumping sideways", "jump sideways", "sideways jump", "sideways jumps", "exercise",
          countable=True, directions=LR, synonyms=("leaping to the side",)),
        A("jump_rope", "skipping rope", "skip rope", "rope jump", "rope jumps", "exercise", countable=True,
          directions=("in place",), synonyms=("jumping rope",), confusable=("jump",)),
        A("jump_turn", "jumping and turning in the air", "jump and turn", "jump turn", "jump turns", "dance",
          countable=True, turns=LR, synonyms=("doing a spinning jump",), confusable=("jump", "turn", "spin")),
        A("leap", "leaping", "leap", "leap", "leaps", "dance", directions=("forward",), part="leg", sides=LR,
          synonyms=("jumping from one leg to the other",), confusable=("jump_forward", "run")),
        # exercise
        A("squat", "squatting", "squat", "squat", "squats", "exercise", countable=True,
          synonyms=("doing squats", "bending the knees deeply"), confusable=("crouch",)),
        A("lunge", "doing lunges", "lunge", "lunge", "lunges", "exercise", countable=True, part="leg", sides=LRB,
          directions=("forward",), synonyms=("lunging",)),
        A("side_lunge", "doing side lunges", "do a side lunge", "side lunge", "side lunges", "exercise",
          countable=True, part="leg", sides=LR, directions=LR, synonyms=("lunging sideways",), confusable=("lunge",)),
        A("jumping_jack", "doing jumping jacks", "do a jumping jack", "jumping jack", "jumping jacks", "exercise",
          countable=True, synonyms=("doing star jumps",)),
        A("push_up", "doing push-ups", "do a push-up", "push-up", "push-ups", "exercise", countable=True,
          synonyms=("doing press-ups",), confusable=("plank",)),
        A("sit_up", "doing sit-ups", "do a sit-up", "sit-up", "sit-ups", "exercise", countable=True,
          synonyms=("doing crunches",), start="lie", end="lie"),
        A("burpee", "doing burpees", "do a burpee", "burpee", "burpees", "exercise", countable=True),
        A("plank", "holding a plank", "hold a plank", "plank", "planks", "exercise", confusable=("push_up",)),
        A("high_knees", "running in place with high knees", "do high knees", "high knee", "high knees", "exercise",
          countable=True, directions=("in place",), synonyms=("doing high knees",),
          confusable=("march", "walk_in_place")),
        A("knee_raise", "raising a knee", "raise a knee", "knee raise", "knee raises", "exercise", countable=True,
          part="leg", sides=LR, synonyms=("lifting a knee",), confusable=("march",)),
        A("leg_raise_side", "raising a leg to the side", "raise a leg to the side", "side leg raise",
          "side leg raises", "exercise", countable=True, part="leg", sides=LR,
          synonyms=("swinging a leg to the side",), confusable=("kick",)),
        A("arm_circles", "circling the arms", "circle the arms", "arm circle", "arm circles", "exercise",
          countable=True, part="arm", sides=LRB, synonyms=("doing arm circles",)),
        A("overhead_press", "pressing overhead", "press overhead", "overhead press", "overhead presses", "exercise",
          countable=True, synonyms=("doing overhead presses", "lifting a weight overhead"),
          confusable=("raise_hands",)),
        A("biceps_curl", "doing biceps curls", "do a biceps curl", "biceps curl", "biceps curls", "exercise",
          countable=True, part="arm", sides=LRB, synonyms=("curling a weight",)),
        A("deadlift", "lifting from the floor", "lift from the floor", "deadlift", "deadlifts", "exercise",
          countable=True, synonyms=("doing deadlifts",), confusable=("pick_up", "bow")),
        A("lateral_raise", "raising the arms to the sides", "raise the arms to the sides", "lateral raise",
          "lateral raises", "exercise", countable=True, synonyms=("lifting both arms sideways",),
          confusable=("raise_hands", "arms_out")),
        A("side_bend", "bending sideways", "bend sideways", "side bend", "side bends", "exercise", countable=True,
          directions=LR, synonyms=("leaning to the side",)),
        A("torso_twist", "twisting the torso", "twist the torso", "torso twist", "torso twists", "exercise",
          countable=True, synonyms=("rotating the upper body",)),
        A("toe_touch", "bending down to touch the toes", "touch the toes", "toe touch", "toe touches", "exercise",
          countable=True, synonyms=("touching the toes",), confusable=("bow", "deadlift", "pick_up")),
        A("stretch", "stretching", "stretch", "stretch", "stretches", "exercise", synonyms=("stretching the arms",),
          confusable=("raise_hands",)),
        A("calf_raise", "rising onto the toes", "rise onto the toes", "calf raise", "calf raises", "exercise",
          countable=True, synonyms=("doing calf raises",)),
        # gestures
        A("wave", "waving", "wave", "wave", "waves", "gesture", countable=True, part="hand", sides=LRB,
          synonyms=("waving hello", "waving goodbye"), confusable=("raise_hand",)),
        A("raise_hand", "raising a hand", "raise a hand", "hand raise", "hand raises", "gesture", countable=True,
          part="hand", sides=LR, directions=("up",), synonyms=("lifting an arm overhead",)),
        A("raise_hands", "raising both hands", "raise both hands", "raise of both hands", "raises of both hands",
          "gesture", countable=True, directions=("up",), synonyms=("lifting both arms overhead",),
          confusable=("stretch", "overhead_press")),
        A("clap", "clapping", "clap", "clap", "claps", "gesture", countable=True, synonyms=("applauding",)),
        A("bow", "bowing", "bow", "bow", "bows", "gesture", countable=True, synonyms=("taking a bow",),
          confusable=("toe_touch",)),
        A("point", "pointing", "point", "pointing gesture", "pointing gestures", "gesture", part="hand", sides=LR,
          directions=("forward", "left", "right", "up"), synonyms=("pointing at something",),
          confusable=("reach",)),
        A("beckon", "beckoning", "beckon", "beckoning gesture", "beckoning gestures", "gesture", countable=True,
          part="hand", sides=LR, synonyms=("waving someone over",), confusable=("wave",)),
        A("salute", "saluting", "salute", "salute", "salutes", "gesture", part="hand", sides=LR, countable=True,
          confusable=("drink", "phone")),
        A("shrug", "shrugging", "shrug", "shrug", "shrugs", "gesture", countable=True),
        A("nod", "nodding", "nod", "nod", "nods", "gesture", countable=True),
        A("shake_hands", "shaking hands", "shake hands", "handshake", "handshakes", "gesture", part="hand", sides=LR,
          confusable=("reach",)),
        A("direct_traffic", "directing traffic", "direct traffic", "traffic signal", "traffic signals", "gesture",
          synonyms=("signalling with the arms",), confusable=("signal",)),
        A("signal", "signalling with the arms", "signal with the arms", "arm signal", "arm signals", "gesture",
          synonyms=("giving referee signals",), confusable=("direct_traffic",)),
        A("talk", "talking with hand gestures", "talk with hand gestures", "conversation gesture",
          "conversation gestures", "gesture", synonyms=("gesturing while talking",), confusable=("signal",)),
        A("cross_arms", "crossing the arms", "cross the arms", "crossing of the arms", "crossings of the arms",
          "gesture", synonyms=("folding the arms",)),
        A("hands_on_hips", "standing with the hands on the hips", "put the hands on the hips",
          "hands-on-hips pose", "hands-on-hips poses", "gesture", confusable=("stand",)),
        A("throw_kiss", "blowing a kiss", "blow a kiss", "blown kiss", "blown kisses", "gesture", countable=True,
          part="hand", sides=LR, confusable=("drink",)),
        A("cheer", "cheering with the arms up", "cheer", "cheer", "cheers", "gesture",
          synonyms=("celebrating",), confusable=("raise_hands",)),
        # sport
        A("punch", "punching", "punch", "punch", "punches", "sport", countable=True, part="hand", sides=LRB,
          directions=("forward",), synonyms=("boxing", "striking with the fist")),
        A("kick", "kicking", "kick", "kick", "kicks", "sport", countable=True, part="leg", sides=LR,
          directions=("forward",), synonyms=("kicking forward",), confusable=("kick_ball",)),
        A("side_kick", "kicking to the side", "kick to the side", "side kick", "side kicks", "sport", countable=True,
          part="leg", sides=LR, directions=LR, confusable=("kick", "leg_raise_side")),
        A("kick_ball", "kicking a ball", "kick a ball", "ball kick", "ball kicks", "sport", part="foot", sides=LR,
          directions=("forward",), synonyms=("running up and kicking a ball", "playing soccer"),
          confusable=("kick",)),
        A("throw", "throwing", "throw", "throw", "throws", "sport", countable=True, part="hand", sides=LR,
          directions=("forward",), synonyms=("throwing a ball",), confusable=("serve",)),
        A("toss", "tossing underarm", "toss underarm", "underarm toss", "underarm tosses", "sport", countable=True,
          part="hand", sides=LR, directions=("forward",), synonyms=("throwing underarm", "bowling"),
          confusable=("throw",)),
        A("catch", "catching", "catch", "catch", "catches", "sport", countable=True,
          synonyms=("catching a ball with both hands",)),
        A("dribble", "dribbling a basketball", "dribble a basketball", "dribble", "dribbles", "sport", countable=True,
          part="hand", sides=LR, directions=("forward", "in place"), synonyms=("bouncing a ball",)),
        A("shoot_basket", "shooting a basketball", "shoot a basketball", "basketball shot", "basketball shots",
          "sport", countable=True, synonyms=("taking a jump shot",), confusable=("overhead_press",)),
        A("golf_swing", "swinging a golf club", "swing a golf club", "golf swing", "golf swings", "sport",
          countable=True, directions=LR, synonyms=("playing golf",), confusable=("bat_swing",)),
        A("bat_swing", "swinging a bat", "swing a bat", "bat swing", "bat swings", "sport", countable=True,
          directions=LR, synonyms=("swinging a baseball bat",), confusable=("golf_swing", "slash")),
        A("serve", "serving overhead", "serve overhead", "overhead serve", "overhead serves", "sport",
          countable=True, part="hand", sides=LR, synonyms=("serving in tennis",), confusable=("throw",)),
        A("slash", "slashing with a sword", "slash with a sword", "slash", "slashes", "sport", countable=True,
          part="hand", sides=LR, synonyms=("swordplay", "swinging a sword")),
        A("swim", "doing swimming strokes", "do swimming strokes", "swimming stroke", "swimming strokes", "sport",
          countable=True, synonyms=("swimming crawl strokes",), confusable=("arm_circles",)),
        A("row", "rowing", "row", "rowing stroke", "rowing strokes", "sport", countable=True, start="sit",
          end="sit"),
        A("guard", "standing in a boxing guard", "hold a boxing guard", "guard stance", "guard stances", "sport",
          synonyms=("bouncing in a fighting stance",), confusable=("punch",)),
        # everyday
        A("sit_down", "sitting down", "sit down", "sitting down", "times sitting down", "everyday", end="sit"),
        A("stand_up", "standing up", "stand up", "standing up", "times standing up", "everyday", start="sit"),
        A("sit", "sitting", "sit", "sitting spell", "sitting spells", "everyday", start="sit", end="sit"),
        A("lie_down", "lying down", "lie down", "lying down", "times lying down", "everyday", end="lie"),
        A("get_up", "getting up from the floor", "get up from the floor", "getting up", "times getting up",
          "everyday", start="lie"),
        A("lie", "lying on the floor", "lie on the floor", "lying spell", "lying spells", "everyday", start="lie",
          end="lie"),
        A("crouch", "crouching", "crouch", "crouch", "crouches", "everyday", synonyms=("squatting down and staying",),
          confusable=("squat", "kneel")),
        A("kneel", "kneeling", "kneel on one knee", "kneel", "kneels", "everyday", part="leg", sides=LR,
          synonyms=("kneeling on one knee",), confusable=("lunge", "crouch")),
        A("pick_up", "picking something up", "pick something up", "pick-up", "pick-ups", "everyday", countable=True,
          part="hand", sides=LRB, synonyms=("picking something up from the floor",),
          confusable=("deadlift", "toe_touch")),
        A("carry", "carrying something", "carry something", "carry", "carries", "everyday", directions=("forward",),
          synonyms=("walking while carrying something",), confusable=("walk",)),
        A("push", "pushing", "push", "push", "pushes", "everyday", countable=True, directions=("forward",),
          synonyms=("pushing with both hands",), confusable=("pull",)),
        A("pull", "pulling", "pull", "pull", "pulls", "everyday", countable=True, directions=("backward",),
          synonyms=("pulling with both hands",), confusable=("push",)),
        A("drink", "drinking", "drink", "sip", "sips", "everyday", countable=True, part="hand", sides=LR,
          synonyms=("taking a sip",), confusable=("phone", "eat")),
        A("eat", "eating", "eat", "bite", "bites", "everyday", countable=True, part="hand", sides=LR,
          confusable=("drink",)),
        A("phone", "talking on the phone", "talk on the phone", "phone call", "phone calls", "everyday", part="hand",
          sides=LR, synonyms=("holding a phone to the ear",), confusable=("drink", "salute")),
        A("reach", "reaching out", "reach out", "reach", "reaches", "everyday", countable=True, part="hand",
          sides=LR, directions=("forward", "up", "left", "right"), synonyms=("reaching for something",),
          confusable=("point",)),
        A("wash", "wiping a window", "wipe a window", "wiping circle", "wiping circles", "everyday", countable=True,
          part="hand", sides=LRB, synonyms=("washing a window", "wiping in circles")),
        A("wash_self", "washing", "wash", "wash", "washes", "everyday", synonyms=("washing the body",),
          confusable=("scratch_head",)),
        A("scratch_head", "scratching the head", "scratch the head", "head scratch", "head scratches", "everyday",
          part="hand", sides=LR, confusable=("phone", "salute")),
        A("open_door", "opening a door", "open a door", "door opening", "door openings", "everyday", part="hand",
          sides=LR, confusable=("pull", "reach")),
        A("sweep", "sweeping the floor", "sweep the floor", "sweep", "sweeps", "everyday", countable=True,
          directions=LR, synonyms=("mopping the floor",)),
        A("hammer", "hammering", "hammer", "hammer blow", "hammer blows", "everyday", countable=True, part="hand",
          sides=LR, confusable=("slash",)),
        A("look_around", "looking around", "look around", "look around", "looks around", "everyday",
          confusable=("torso_twist",)),
        A("stumble", "stumbling", "stumble", "stumble", "stumbles", "everyday", synonyms=("tripping",)),
        A("hang", "hanging by the hands", "hang by the hands", "hang", "hangs", "everyday",
          synonyms=("hanging from a bar and swinging",), confusable=("climb",)),
        # dance and acrobatics
        A("spin", "spinning around", "spin around", "spin", "spins", "dance", countable=True, turns=LR,
          directions=("in place",), synonyms=("spinning in place",), confusable=("turn", "pirouette")),
        A("pirouette", "doing a pirouette", "do a pirouette", "pirouette", "pirouettes", "dance", turns=LR,
          part="leg", sides=LR, synonyms=("spinning on one leg",), confusable=("spin", "turn")),
        A("sway", "swaying from side to side", "sway from side to side", "sway", "sways", "dance", countable=True,
          synonyms=("dancing", "swaying"), confusable=("side_step_dance", "stand")),
        A("side_step_dance", "dancing with side steps", "dance with side steps", "dance step", "dance steps",
          "dance", synonyms=("dancing",), confusable=("sway", "dance", "sidestep")),
        A("dance", "dancing", "dance", "dance", "dances", "dance", synonyms=("dancing freely",),
          confusable=("sway", "side_step_dance")),
        A("balance", "balancing on one leg", "balance on one leg", "one-leg balance", "one-leg balances", "dance",
          part="leg", sides=LR, synonyms=("standing on one leg",), confusable=("arabesque",)),
        A("arabesque", "doing an arabesque", "do an arabesque", "arabesque", "arabesques", "dance", part="leg",
          sides=LR, synonyms=("standing on one leg with the other stretched behind",), confusable=("balance",)),
        A("arms_out", "holding the arms out to the sides", "hold the arms out", "arms-out pose", "arms-out poses",
          "dance", synonyms=("spreading the arms",), confusable=("lateral_raise",)),
        A("plie", "doing a plié", "do a plié", "plié", "pliés", "dance", countable=True, confusable=("squat",)),
        A("cartwheel", "doing a cartwheel", "do a cartwheel", "cartwheel", "cartwheels", "dance", directions=LR,
          synonyms=("cartwheeling",)),
        A("forward_roll", "doing a forward roll", "do a forward roll", "forward roll", "forward rolls", "dance",
          directions=("forward",), synonyms=("rolling forward",)),
    )


ACTIONS: dict[str, Action] = {action.key: action for action in _table()}

# Sides of actions whose part is a leg speak of the leg that acts (hops on, kicks, is raised, steps first, limps).
EVENT_NOUN = {key: action.singular for key, action in ACTIONS.items() if action.countable}

SPEEDS = ("slow", "normal", "fast")


def describe(key: str) -> Action:
    """The row of one action.

    Raises:
        ValueError: for a name that is not in the catalogue.
    """
    if key not in ACTIONS:
        raise ValueError(
            f"Expected the name of an action in the catalogue, got {key!r} (in describe()). "
            f"Use one of: {', '.join(sorted(ACTIONS))}."
        )
    return ACTIONS[key]
