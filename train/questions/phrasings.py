"""How people ask: for each sub-kind the phrasings to train on, and those kept for evaluation only.

Fields in braces are filled by `phrase`: {who} {is} {does} {has} ("the person", "is", ...), and what a sub-kind brings:
{part}, {gerund}, {base}, {singular}, {plural}, {other}, {options}, ...
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np

from .asides import AFTER, BEFORE
from .further_phrasings import HELD_OUT as FURTHER_HELD_OUT
from .further_phrasings import SEEN as FURTHER_SEEN
from .open_phrasings import MORE
from .untold_phrasings import UNTOLD
from .video_phrasings import HELD_OUT as VIDEO_HELD_OUT
from .video_phrasings import SEEN as VIDEO_SEEN


# (subject, be, do, have)
WHO = (
    ("the person", "is", "does", "has"),
    ("the person", "is", "does", "has"),
    ("the person", "is", "does", "has"),
    ("this person", "is", "does", "has"),
    ("he", "is", "does", "has"),
    ("she", "is", "does", "has"),
    ("they", "are", "do", "have"),
    ("the subject", "is", "does", "has"),
    ("the athlete", "is", "does", "has"),
    ("the patient", "is", "does", "has"),
    ("the actor", "is", "does", "has"),
    ("the character", "is", "does", "has"),
    ("the performer", "is", "does", "has"),
    ("my client", "is", "does", "has"),
    ("the figure", "is", "does", "has"),
)

# Asked in front of or behind a question now and then; they change nothing about the answer.
OPENINGS = (
    "In this clip, ",
    "Looking at the motion, ",
    "In this recording, ",
    "Tell me: ",
    "Quick question: ",
    "Here, ",
    "For my notes: ",
    "Given this motion capture, ",
)

SHARE_OF_OPENINGS, SHARE_OF_ASIDES = 0.08, 0.12  # of the questions to train on
NO_OPENING = ("list", "letters", "caption", "detail")

# Behind a question they ask for the bare answer.
SHORT_HINTS = ("Keep it short.", "Just the answer.", "Short answer only.", "Be brief.", "No full sentence, please.")
SHORT_HINTS_WORD = (*SHORT_HINTS, "Answer in one word.", "One word, please.", "One-word answer.")
SHORT_HINTS_NUMBER = ("Just the number.", "Number only.", "A number is enough.", "Only give the number.")

SEEN: dict[str, tuple[str, ...]] = {
    "action": (
        "What {is} {who} doing?",
        "What {is} {who} doing in this motion?",
        "Which action is shown?",
        "What action do you see?",
        "Name the action.",
        "What movement is this?",
        "What kind of motion is this?",
        "What exercise or action {is} {who} performing?",
        "Classify this motion.",
        "Label this clip.",
        "What {does} {who} do?",
        "Which activity is recorded here?",
        "Can you tell what {who} {is} doing?",
        "what's happening here",
        "Identify the movement.",
        "How would you tag this animation?",
    ),
    "letters": (
        "What action is shown? {options}",
        "Which of these is {who} doing? {options}",
        "Pick the right label. {options}",
        "What {is} {who} doing? {options}",
        "Choose the action that matches the motion: {options}",
        "Multiple choice: what happens in the clip? {options}",
        "Which option describes the motion best? {options}",
        "Select one: {options}",
        "Which label fits this clip? {options}",
        "What movement does the recording show? {options}",
    ),
    "list": (
        "Which of these is it: {options}?",
        "{Options}: which one is shown?",
        "{Is} {who} {options}?",
        "Is this {options}?",
        "Which one fits the motion: {options}?",
        "Would you call this {options}?",
        "Which word describes it best: {options}?",
        "Choose between {options}.",
        "What do you see: {options}?",
        "Is it {options} that {who} {is} doing?",
    ),
    "side": (
        "Which {part} {is} {who} using for the {singular}?",
        "Which {part} {does} {who} use when {gerund}?",
        "Which {part} is it?",
        "With which {part} {is} {who} {gerund}?",
        "Left or right {part}?",
        "Is it the left or the right {part}?",
        "Which side {is} {who} {gerund} with?",
        "On which side is the {part} that {who} uses for {gerund}?",
        "Which {part} does the work while {gerund}?",
        "Tell me which {part} is used when {gerund}.",
        "Which side is active during the {singular}?",
        "While {gerund}: left {part} or right {part}?",
    ),
    "side_limp": (
        "Which leg {is} {who} {verb} on?",
        "On which leg {does} {who} limp?",
        "Which leg is spared by the {singular}?",
        "Left or right: which leg {is} {who} {verb} on?",
        "Which leg is the bad one in the {singular}?",
        "{Is} {who} {verb} on the left or the right leg?",
        "Which leg {does} {who} protect while {gerund}?",
        "Which leg seems to hurt while {gerund}?",
        "Is the {singular} on the left or the right leg?",
        "Which side is the {singular} on?",
    ),
    "side_kneel": (
        "Which knee {does} {who} kneel on?",
        "Which knee goes down while {gerund}?",
        "Which knee is on the ground while {gerund}?",
        "On which knee {is} {who} {verb}?",
        "Left or right: which knee {is} {who} {verb} on?",
        "{Is} {who} {verb} on the left or the right knee?",
        "Which knee touches the floor when {gerund}?",
        "Tell me which knee {is} down while {gerund}.",
        "Which knee carries the weight while {gerund}?",
        "While {gerund}: left knee or right knee on the floor?",
    ),
    "side_stand": (
        "Which leg {is} {who} {verb} on?",
        "On which leg {is} {who} {verb}?",
        "Which foot {is} {who} {verb} on?",
        "Left or right: which leg {is} {who} {verb} on?",
        "{Is} {who} {verb} on the left or the right leg?",
        "Which leg carries the weight while {verb}?",
        "Which leg is on the ground while {verb}?",
        "Tell me which leg {who} {is} {verb} on.",
        "Which is the supporting leg while {verb}?",
        "While {verb}: left leg or right leg?",
    ),
    "direction": (
        "In which direction {does} {who} move?",
        "Which way {does} {who} go?",
        "Where {is} {who} heading, seen from {his} own body?",
        "In what direction {is} {who} travelling?",
        "Which way {is} {who} moving?",
        "What is the direction of travel?",
        "Forwards, backwards, left or right: which way {does} {who} move?",
        "{Does} {who} move forwards, backwards, to the left, to the right, or stay in place?",
        "Direction of the movement?",
        "Relative to {his} facing, which way {does} {who} move?",
        "Where {does} {who} go?",
        "Which direction is the body moving in?",
    ),
    "direction_two": (
        "{Is} {who} {moving} forwards or backwards?",
        "{Does} {who} go forwards or backwards?",
        "Forwards or backwards?",
        "{Is} {who} {moving} ahead or backing up?",
        "{Does} {who} advance or retreat?",
        "Is the movement forward or backward?",
        "Which is it, forward or backward?",
        "{Is} {who} {moving} backwards or forwards?",
        "Are the steps taken forwards or backwards?",
        "Forward or backward motion?",
    ),
    "direction_action": (
        "In which direction {is} {who} {gerund}?",
        "Which way {is} {who} {gerund}?",
        "To which side or in which direction does the {singular} go?",
        "Where does the {singular} go?",
        "What is the direction of the {singular}?",
        "Which direction is the {singular} aimed at?",
        "Towards where {is} {who} {gerund}?",
        "When {gerund}, which direction {does} {who} go?",
        "Give the direction of the {singular}.",
        "Which way does the {singular} go, seen from {who}?",
    ),
    "turn": (
        "Which way {does} {who} turn?",
        "{Does} {who} turn left or right?",
        "To which side {does} {who} turn?",
        "Left turn or right turn?",
        "In which direction {does} {who} rotate?",
        "Is the turn to the left or to the right?",
        "Which direction is the turn?",
        "{Does} {who} rotate to {his} left or {his} right?",
        "Over which side {does} {who} turn?",
        "Turning direction?",
        "Which way round {does} {who} go?",
    ),
    "count": (
        "How many {plural} {does} {who} do?",
        "How many {plural} are there?",
        "Count the {plural}.",
        "How many times {does} {who} {base}?",
        "What is the number of {plural}?",
        "How many {plural} do you see?",
        "Number of {plural}?",
        "Please count how many {plural} {who} {does}.",
        "How many {plural} can be counted in this clip?",
        "Give me the rep count: {plural}.",
        "How often {does} {who} {base}?",
        "Can you count the {plural} for me?",
        "Total {plural} in this recording?",
    ),
    "count_steps": (
        "How many steps {does} {who} take?",
        "Count the steps.",
        "How many steps are there?",
        "About how many steps {does} {who} make?",
        "Number of steps?",
        "How many footsteps can you count?",
        "Please count the steps in this clip.",
        "What is the step count?",
        "Roughly how many steps do you see?",
        "Give me the number of steps.",
    ),
    "count_jumps": (
        "How many jumps {does} {who} do?",
        "Count the jumps.",
        "How many times {does} {who} jump?",
        "How often {does} {who} leave the ground with both feet?",
        "Number of jumps?",
        "How many jumps are there?",
        "How many jumps do you see?",
        "Please count the jumps.",
        "How often {does} {who} jump?",
        "Total jumps in this recording?",
    ),
    "speed": (
        "How fast {is} {who} {gerund}?",
        "Is the {singular} slow, normal or fast?",
        "At what speed {is} {who} {gerund}?",
        "What is the pace: slow, normal or fast?",
        "Describe the tempo: slow, normal or fast.",
        "Is the speed slow, normal or fast?",
        "How quickly {does} {who} move?",
        "What tempo {does} {who} keep while {gerund}?",
        "Would you call the speed slow, normal or fast?",
        "How fast is the movement?",
        "Pace?",
    ),
    "speed_two": (
        "Is it fast or slow?",
        "Is the {singular} fast or slow?",
        "{Is} {who} {gerund} slowly or quickly?",
        "Fast or slow?",
        "{Does} {who} move quickly or slowly?",
        "Is the movement slow or fast?",
        "Is that a fast or a slow {singular}?",
        "Slow or fast pace?",
        "Would you say slow or fast?",
        "{Is} {who} in a hurry or moving slowly: slow or fast?",
    ),
    "first": (
        "What {does} {who} do first?",
        "Which action comes first?",
        "What happens at the beginning?",
        "What is the first action?",
        "How does the clip start?",
        "What {is} {who} doing at the start?",
        "Name the first movement.",
        "What does the motion begin with?",
        "Which movement opens the sequence?",
        "What comes first?",
    ),
    "last": (
        "What {does} {who} do last?",
        "Which action comes last?",
        "What happens at the end?",
        "What is the final action?",
        "How does the clip end?",
        "What {is} {who} doing at the end?",
        "Name the last movement.",
        "What does the motion finish with?",
        "Which movement closes the sequence?",
        "What comes last?",
    ),
    "after": (
        "What {does} {who} do after {gerund}?",
        "What comes after the {singular}?",
        "What happens right after {who} {has} finished {gerund}?",
        "What follows the {singular}?",
        "After {gerund}, what {does} {who} do?",
        "Which action comes next after {gerund}?",
        "Once {who} {is} done {gerund}, what happens?",
        "What is the next action after {gerund}?",
        "{Who} stops {gerund}: what then?",
        "Name the action that follows {gerund}.",
    ),
    "before": (
        "What {does} {who} do before {gerund}?",
        "What comes before the {singular}?",
        "What happens before {who} starts {gerund}?",
        "What precedes the {singular}?",
        "Before {gerund}, what {does} {who} do?",
        "Which action comes just before {gerund}?",
        "What {is} {who} doing before {gerund}?",
        "Which movement leads into {gerund}?",
        "What had {who} been doing before {gerund}?",
        "Name the action that precedes {gerund}.",
    ),
    "which_first": (
        "Which comes first, {gerund} or {other}?",
        "Is {gerund} before or after {other}: which is first?",
        "{Does} {who} start with {gerund} or with {other}?",
        "What is first: {gerund} or {other}?",
        "Which happens earlier, {gerund} or {other}?",
        "{Gerund} or {other}: which one is done first?",
        "Of {gerund} and {other}, which comes first?",
        "Is the first action {gerund} or {other}?",
        "In the order of events, is {gerund} or {other} first?",
        "What happens earlier in the clip: {gerund} or {other}?",
    ),
    "posture_start": (
        "In what posture {does} {who} begin?",
        "{Is} {who} standing, sitting or lying at the start?",
        "What is the starting position?",
        "What position {is} {who} in at the beginning?",
        "How {is} {who} positioned at first?",
        "Starting posture?",
        "At the start of the clip, {is} {who} standing, sitting or lying?",
        "What is {his} initial posture?",
        "From which position does the movement begin?",
        "Where does it start: standing, sitting or lying down?",
    ),
    "posture_end": (
        "In what posture {does} {who} end?",
        "{Is} {who} standing, sitting or lying at the end?",
        "What is the final position?",
        "What position {is} {who} in at the end?",
        "How {is} {who} positioned when the clip ends?",
        "Ending posture?",
        "At the end of the clip, {is} {who} standing, sitting or lying?",
        "What is {his} final posture?",
        "In which position does the movement finish?",
        "Where does it end: standing, sitting or lying down?",
    ),
    "distance": (
        "How far {does} {who} get?",
        "How many metres {does} {who} cover?",
        "How far {does} {who} go?",
        "What distance {does} {who} cover?",
        "Over what distance {does} {who} move?",
        "How many meters {does} {who} move?",
        "Distance covered, in metres?",
        "How many metres is it from start to finish along the way?",
        "About how far {does} {who} travel?",
        "How much ground {does} {who} cover?",
        "Metres travelled?",
    ),
    "angle": (
        "By how many degrees {does} {who} turn?",
        "How far {does} {who} turn?",
        "How many degrees {has} {who} turned in the end?",
        "What is the angle of the turn?",
        "How large is the turn, in degrees?",
        "Through what angle {does} {who} turn?",
        "Is it a quarter turn, a half turn or more?",
        "How much {does} {who} turn round, in degrees?",
        "Angle of the turn?",
        "By what angle {does} {who} rotate?",
    ),
    "duration": (
        "How long is the motion?",
        "How many seconds does the clip last?",
        "What is the duration of the motion?",
        "How long does it take?",
        "How long is this recording, in seconds?",
        "Duration?",
        "Length of the clip in seconds?",
        "Over how many seconds does the movement go on?",
        "Roughly how long does this last?",
        "How much time does the motion take?",
    ),
    "duration_action": (
        "How long {does} {who} spend {gerund}?",
        "How many seconds {is} {who} {gerund}?",
        "For how long {is} {who} {gerund}?",
        "How long does the {gerund} part last?",
        "What is the duration of the {gerund} part?",
        "How much time goes into {gerund}?",
        "How long does the {gerund} last?",
        "About how many seconds of {gerund} are there?",
        "Time spent {gerund}?",
        "{Gerund}: for how many seconds?",
    ),
    "time": (
        "When {does} {who} start {gerund}?",
        "At what time does the {gerund} begin?",
        "At which second {does} {who} begin {gerund}?",
        "When does the {gerund} start?",
        "How many seconds in {does} {who} start {gerund}?",
        "Give the start time of the {gerund}.",
        "At what point in the clip does the {gerund} begin?",
        "After how many seconds {does} {who} start {gerund}?",
        "Time stamp of the first moment of {gerund}?",
        "From which second on {is} {who} {gerund}?",
    ),
    "caption": (
        "Describe the motion.",
        "What happens in this clip?",
        "Describe what {who} {does}.",
        "Give a caption for this motion.",
        "Write a short description of the movement.",
        "Summarise the motion in a sentence.",
        "Please describe this animation.",
        "Caption this.",
        "Tell me what you see.",
        "Can you describe what {is} going on here?",
        "What do you see in this recording?",
        "Describe the sequence of actions in order.",
        "Explain to me what {who} {does} here.",
        "I can't see the clip. What happens in it?",
    ),
    "detail": (
        "Describe the motion in detail.",
        "Give a detailed description of the movement.",
        "Write a detailed caption.",
        "Describe as exactly as you can what {who} {does}.",
        "Tell me everything that can be seen in this motion.",
        "Give a thorough description of this clip.",
        "What exactly {does} {who} do? Be precise.",
        "Describe this movement with all details.",
        "Please analyse this motion.",
        "Write a long description.",
        "Give me a full report on the movement.",
        "Explain the motion in detail, with numbers where you can.",
        "A detailed description, please.",
        "Describe the movement in two or three sentences.",
        "Break down this movement for me.",
        "Detailed analysis?",
    ),
    "yes_action": (
        "{Does} {who} {base}?",
        "{Is} {who} {gerund}?",
        "Can you see {who} {gerund}?",
        "Is there any {gerund} in this clip?",
        "{Does} {who} {base} at any time?",
        "Is this {gerund}?",
        "Is {gerund} part of the motion?",
        "{Is} {who} {gerund} here, yes or no?",
        "True or false: {who} {is} {gerund}.",
        "Would you say that {who} {is} {gerund}?",
        "Do we see {gerund} here?",
        "Does the recording contain {gerund}?",
    ),
    "yes_side": (
        "Is it the {side} {part} that {who} uses for {gerund}?",
        "{Is} {who} {gerund} with the {side} {part}?",
        "{Does} {who} use the {side} {part}?",
        "Is the {side} {part} the active one?",
        "Is it the {side} {part}?",
        "Am I right that it is the {side} {part}?",
        "Is the {singular} done with the {side} {part}?",
        "{Side} {part}, right?",
        "Does the {side} {part} do the {gerund}?",
        "True or false: the {side} {part} is used.",
    ),
    "yes_direction": (
        "{Does} {who} move {direction}?",
        "Is the movement {direction}?",
        "{Is} {who} moving {direction}?",
        "{Does} {who} go {direction}?",
        "Is the direction of travel {direction}?",
        "Would you say {who} goes {direction}?",
        "True or false: {who} {is} moving {direction}.",
        "Is {direction} the way {who} {is} going?",
        "{Is} {who} travelling {direction}?",
        "Am I right that {who} {is} going {direction}?",
    ),
    "yes_turn": (
        "{Does} {who} turn to the {direction}?",
        "Is the turn to the {direction}?",
        "{Is} {who} turning {direction}?",
        "True or false: {who} turns {direction}.",
        "Is it a {direction} turn?",
        "{Does} {who} rotate to the {direction}?",
        "Am I right that the turn is to the {direction}?",
        "Is {direction} the direction of the turn?",
        "Would you call this a turn to the {direction}?",
        "{Does} {who} go round to the {direction}?",
    ),
    "yes_count": (
        "{Does} {who} do {number} {plural}?",
        "Are there {number} {plural}?",
        "Is it {number} {plural}?",
        "I counted {number} {plural}. Is that right?",
        "Did I count right: {number} {plural}?",
        "True or false: there are {number} {plural}.",
        "Are {number} {plural} done here?",
        "Is {number} the right number of {plural}?",
        "My log says {number} {plural}. Correct?",
        "Can you confirm {number} {plural}?",
    ),
    "yes_speed": (
        "{Is} {who} {gerund} {adverb}?",
        "Is the {singular} {adjective}?",
        "Is the movement {adjective}?",
        "{Does} {who} move {adverb}?",
        "Would you call the pace {adjective}?",
        "True or false: {who} {is} moving {adverb}.",
        "Is this a {adjective} {singular}?",
        "Is it done {adverb}?",
        "Is the speed {adjective}?",
        "{Is} {who} moving {adverb} here?",
    ),
    "yes_order": (
        "{Does} {who} start {gerund} before {other}?",
        "Does {gerund} come before {other}?",
        "Is {gerund} done before {other}?",
        "True or false: {gerund} comes before {other}.",
        "Is {gerund} earlier than {other}?",
        "Am I right that {gerund} happens before {other}?",
        "Is the order first {gerund}, then {other}?",
        "{Is} {who} {gerund} first and {other} later?",
        "Does {other} follow {gerund}?",
        "Is {other} done after {gerund}?",
    ),
    "raised_hand": (
        "Which hand goes above the head?",
        "Which hand {does} {who} raise above {his} head?",
        "Which arm is lifted overhead?",
        "Does the left hand, the right hand, or do both go above the head?",
        "Which hand is raised?",
        "Which hand ends up over the head: left, right, both or neither?",
        "Is a hand raised above the head, and which one?",
        "Left, right, both or neither: which hand goes over the head?",
        "Which hand rises higher than the head?",
        "Tell me which hand is lifted above the head.",
    ),
    "moving_hand": (
        "Which hand moves more?",
        "Which hand {is} {who} moving most?",
        "Which arm is busier, the left or the right?",
        "Left or right: which hand moves more?",
        "Which hand is more active?",
        "Which arm does most of the moving?",
        "Which hand does {who} use more?",
        "Does the left or the right hand move more?",
        "Which of the two hands travels further?",
        "Which side's arm moves more?",
    ),
    "kicking_foot": (
        "Which foot kicks?",
        "Which foot {does} {who} kick with?",
        "With which leg {does} {who} kick?",
        "Is it a left or a right kick?",
        "Left or right foot?",
        "Which leg swings through for the kick?",
        "Which foot strikes?",
        "What is the kicking foot?",
        "Does {who} kick with the left or the right foot?",
        "Kicking leg: left or right?",
    ),
    "standing_leg": (
        "Which leg {does} {who} stand on?",
        "On which leg {is} {who} balancing?",
        "Which foot stays on the ground?",
        "Which leg carries the weight?",
        "Left or right: which is the standing leg?",
        "Which is the supporting leg?",
        "On which foot {is} {who} standing?",
        "Is the standing leg the left or the right?",
        "Which leg supports the body?",
        "Standing leg?",
    ),
    "colour": (
        "What colour is {his} shirt?",
        "What is {who} wearing?",
        "How old {is} {who}?",
        "What is {his} name?",
        "What is the weather like?",
        "Where was this recorded?",
        "What colour is {his} hair?",
        "How heavy is the object in {his} hand?",
        "What brand of shoes {does} {who} wear?",
        "What {is} {who} thinking?",
        "What music is playing?",
        "Which city is this?",
        "{Does} {who} wear glasses?",
        "What is {his} job?",
        "Who is watching {who}?",
        "How much {does} {who} weigh?",
        "What time of day is it?",
        "What {is} {who} saying?",
        "Is it raining?",
        "What colour are {his} shoes?",
        "What is {his} nationality?",
        "{Is} {who} smiling?",
        "How many people are watching?",
        "What day was this filmed?",
    ),
    **FURTHER_SEEN,
    **VIDEO_SEEN,
}
SEEN |= {name: (*SEEN[name], *texts) for name, texts in {**MORE, "colour": UNTOLD}.items()}

# Kept from training: they measure whether the model understands the question or knows the string.
HELD_OUT: dict[str, tuple[str, ...]] = {
    "action": (
        "What is going on in this motion, in one phrase?",
        "Which action {does} {who} carry out?",
        "Tell me the name of this movement.",
    ),
    "letters": ("Which answer is correct? {options}", "Decide what {who} {does} in the clip. {options}"),
    "list": ("Out of {options}, which is {who} doing?", "Does the clip show {options}?"),
    "side": (
        "Say which {part} {who} uses while {gerund}.",
        "Which {part} is involved in the {singular}, left or right?",
        "What side is the {part} on that is used for {gerund}?",
    ),
    "side_limp": ("Say which leg {who} {is} {verb} on.", "What side does {who} limp on?"),
    "side_kneel": ("Say which knee {who} {is} {verb} on.", "What knee is used for {gerund}?"),
    "side_stand": ("Say which leg {who} {is} {verb} on.", "What leg is {who} {verb} on?"),
    "direction": (
        "What way is {who} travelling, from {his} own point of view?",
        "Tell me the direction {who} moves in.",
        "Which way does the body travel?",
    ),
    "direction_two": (
        "Would you say {who} goes forwards or backwards?",
        "Is {who} {moving} in the forward or backward direction?",
    ),
    "direction_action": (
        "Tell me the direction in which {who} {is} {gerund}.",
        "What direction does the {singular} have?",
    ),
    "turn": (
        "Tell me which way {who} turns.",
        "Is {who} turning leftwards or rightwards?",
        "What is the direction of rotation?",
    ),
    "count": (
        "Tell me how many {plural} {who} completes.",
        "What's the total number of {plural}?",
        "How many {plural} were performed?",
    ),
    "count_steps": ("Tell me how many steps {who} takes.", "What's the total number of steps?"),
    "count_jumps": ("Tell me how many jumps {who} makes.", "What's the total number of jumps?"),
    "speed": ("Tell me how fast {who} {is} {gerund}.", "What is the speed of the {singular}: slow, normal or fast?"),
    "speed_two": ("Tell me whether it is slow or fast.", "Does the {singular} look slow or fast?"),
    "first": ("Tell me what {who} {does} first.", "Which action is at the beginning of the clip?"),
    "last": ("Tell me what {who} {does} last.", "Which action is at the end of the clip?"),
    "after": ("Tell me what {who} {does} after {gerund}.", "What is the action that comes after {gerund}?"),
    "before": ("Tell me what {who} {does} before {gerund}.", "What is the action that comes before {gerund}?"),
    "which_first": (
        "Tell me which comes first: {gerund} or {other}.",
        "What {does} {who} do earlier, {gerund} or {other}?",
    ),
    "posture_start": ("Tell me the posture at the start.", "How {does} {who} start out: standing, sitting or lying?"),
    "posture_end": ("Tell me the posture at the end.", "How {does} {who} end up: standing, sitting or lying?"),
    "distance": ("Tell me how many metres {who} covers.", "What is the distance that {who} travels?"),
    "angle": ("Tell me by how many degrees {who} turns.", "What is the size of the turn in degrees?"),
    "duration": ("Tell me how many seconds this takes.", "What is the length of this motion?"),
    "duration_action": ("Tell me how long {who} {is} {gerund}.", "How many seconds does the {gerund} take?"),
    "time": ("Tell me when the {gerund} starts.", "At how many seconds {does} {who} begin {gerund}?"),
    "caption": (
        "Tell me in your own words what {who} {does}.",
        "Give me a one-line summary of this motion.",
        "How would you describe this movement?",
    ),
    "detail": (
        "Describe every detail of what {who} {does}.",
        "Can you give me a more detailed account of the motion?",
        "Describe it at length.",
    ),
    "yes_action": (
        "Is {who} seen {gerund} in this recording?",
        "Tell me whether {who} {is} {gerund}.",
        "Do you see any {gerund}?",
    ),
    "yes_side": ("Tell me whether it is the {side} {part}.", "Is the {side} {part} being used for {gerund}?"),
    "yes_direction": ("Tell me whether {who} moves {direction}.", "Is {who} on the way {direction}?"),
    "yes_turn": ("Tell me whether {who} turns to the {direction}.", "Is this turn a {direction} one?"),
    "yes_count": ("Tell me whether there are {number} {plural}.", "Is the count of {plural} {number}?"),
    "yes_speed": ("Tell me whether it is {adjective}.", "Does the {singular} look {adjective}?"),
    "yes_order": ("Tell me whether {gerund} comes before {other}.", "Do we see {gerund} earlier than {other}?"),
    "raised_hand": ("Tell me which hand is raised over the head.", "Which of the hands goes higher than the head?"),
    "moving_hand": ("Tell me which hand moves more.", "Which hand is the more active one?"),
    "kicking_foot": ("Tell me which foot kicks.", "Which leg is used for the kick?"),
    "standing_leg": ("Tell me which leg {who} stands on.", "Which leg is the weight on?"),
    "colour": (
        "What kind of trousers {does} {who} wear?",
        "What is the colour of {his} eyes?",
        "How warm is it there?",
        "What is {his} telephone number?",
        "What {does} {who} hear?",
    ),
    **FURTHER_HELD_OUT,
    **VIDEO_HELD_OUT,
}


def number_of_phrasings(sub_kind: str) -> tuple[int, int]:
    """How many phrasings a sub-kind has for training and for evaluation."""
    return len(SEEN[sub_kind]), len(HELD_OUT[sub_kind])


def phrase(
    sub_kind: str,
    rng: np.random.Generator,
    fields: Mapping[str, str] | None = None,
    held_out: bool = False,
    leave_out: tuple[str, ...] = (),
    one_of: tuple[str, ...] = (),
) -> str:
    """One phrasing of a sub-kind with its fields filled.

    Args:
        sub_kind: a key of SEEN.
        rng: source of all choices.
        fields: values of the fields the sub-kind uses; a capitalised field name capitalises the value.
        held_out: take the phrasings kept from training.
        leave_out: fields whose phrasings must not be used (a noun that does not exist for an action).
        one_of: only phrasings with one of these fields (which of several actions is meant).
    """

    def has(text: str, names: tuple[str, ...]) -> bool:
        return any(f"{{{name}}}" in text or f"{{{name.capitalize()}}}" in text for name in names)

    pool = (HELD_OUT if held_out else SEEN)[sub_kind]
    if leave_out or one_of:
        pool = [text for text in pool if not has(text, leave_out) and (not one_of or has(text, one_of))]
    if not pool:  # a held-out pool of two or three may have none: the seen ones then do
        pool = [text for text in SEEN[sub_kind] if not has(text, leave_out) and (not one_of or has(text, one_of))]
    template = pool[int(rng.integers(len(pool)))]
    who, be, do, have = WHO[int(rng.integers(len(WHO)))]
    his = {"he": "his", "she": "her"}.get(who, "their")
    values = {"who": who, "is": be, "does": do, "has": have, "his": his, **(fields or {})}
    values |= {name.capitalize(): value[:1].upper() + value[1:] for name, value in values.items()}
    text = _plural_verbs(template, who).format(**values)
    if not held_out and rng.random() < SHARE_OF_OPENINGS and sub_kind not in NO_OPENING:
        opening = OPENINGS[int(rng.integers(len(OPENINGS)))]
        keep = len(text) > 1 and text[1].isupper()
        text = opening + (text if keep else text[:1].lower() + text[1:])
    text = text[:1].upper() + text[1:] if rng.random() > 0.04 else text[:1].lower() + text[1:].rstrip("?.")
    return text if held_out or rng.random() > SHARE_OF_ASIDES else with_aside(text, rng)


def with_aside(question: str, rng: np.random.Generator) -> str:
    """A question among words that have nothing to do with the motion."""
    if rng.random() < 0.6:
        return f"{BEFORE[int(rng.integers(len(BEFORE)))]} {question}"
    end = "" if question[-1] in "?.!" else "."
    return f"{question}{end} {AFTER[int(rng.integers(len(AFTER)))]}"


def _plural_verbs(template: str, who: str) -> str:
    """ "they uses" is no English: after a plural subject the fixed verbs of a template lose their s."""
    if who != "they":
        return template
    template = re.sub(r"(?i)\b(does|is) \{who\}", lambda m: "do {who}" if m[1].lower() == "does" else "are {who}", template)
    verbs = {
        "uses": "use",
        "moves": "move",
        "turns": "turn",
        "goes": "go",
        "takes": "take",
        "makes": "make",
        "starts": "start",
        "stops": "stop",
        "completes": "complete",
        "covers": "cover",
        "travels": "travel",
        "stands": "stand",
    }
    return re.sub(r"(\{[Ww]ho\}) (" + "|".join(verbs) + r")\b", lambda match: f"{match[1]} {verbs[match[2]]}", template)
