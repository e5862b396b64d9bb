"""Questions that no motion answers and any language model is asked, so that tuning on motion does not unlearn talking.

What the base language model says to them is what it shall go on saying: `python -m llamo.train.answer_plainly` writes its
answers down, `general_answers.json` holds them. None of them is asked by the suite `text`.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path


ANSWERS_FILE = Path(__file__).with_name("general_answers.json")
ACTIVITIES = (
    "squats", "lunges", "push-ups", "sit-ups", "planks", "jumping jacks", "burpees", "calf raises", "running", "walking",
    "swimming", "cycling", "yoga", "stretching", "jumping rope", "climbing stairs", "rowing", "boxing", "dancing", "tai chi",
    "throwing a ball", "kicking a ball", "balancing on one leg", "lifting weights", "bending forward",
)  # fmt: skip
ABOUT_ACTIVITIES = (
    "Which muscles do {} use?",
    "What are common mistakes in {}?",
    "How can a beginner start with {}?",
    "Why are {} good for the body?",
    "How often should I practise {} in a week?",
    "Give me one tip for better {}.",
)
ABOUT_THE_BODY = (
    "What does a physiotherapist do?", "What is a range of motion?", "What is good posture?", "Why should I warm up?",
    "What is a hamstring?", "Where in the body is the quadriceps?", "What does the knee joint do?", "What is gait?",
    "How can I improve my balance?", "Why do muscles get sore?", "What is a warm-up?", "How do I cool down after sport?",
    "What is the difference between strength and endurance?", "How much should I drink when I exercise?",
    "What helps against back pain from sitting?", "What is motion capture?", "What is a skeleton in animation?",
    "What is a walk cycle?", "What does an animator do?", "How do coaches use video?", "What is a frame rate?",
    "What is a healthy heart rate?", "Why is sleep important for athletes?", "How can older people stay active?",
    "What should I eat before a run?", "What is flexibility?", "How long should a rest between sets be?",
    "What is a repetition in training?", "What is a sprain?", "What does a referee do?", "What is a marathon?",
    "How is football played?", "How is basketball played?", "What is karate?", "What is ballet?", "What is a cartwheel?",
)  # fmt: skip
ABOUT_ANYTHING = (
    "What is the capital of Spain?", "What is the capital of Germany?", "What is the capital of Canada?",
    "What is the capital of India?", "Which planet has rings?", "Which planet do we live on?", "What is the moon?",
    "Why does it rain?", "What is snow?", "How many hours does a day have?", "How many seconds does a minute have?",
    "How many wheels does a car have?", "How many sides does a square have?", "What is 6 + 7?", "What is 9 minus 5?",
    "What is 4 times 5?", "What is half of 20?", "What is the opposite of dark?", "What is the opposite of fast?",
    "What is the opposite of loud?", "Which animal says meow?", "Which animal lays eggs?", "What do cows eat?",
    "What colour is a banana?", "What colour is snow?", "Who painted the Mona Lisa?", "Who was Albert Einstein?",
    "On which continent is Brazil?", "On which continent is Italy?", "Which is the largest ocean?",
    "Which language do people speak in Mexico?", "Which language do people speak in Austria?", "What does the stomach do?",
    "What do lungs do?", "Which season is the coldest?", "Which day comes after Friday?", "Which month comes after June?",
    "What is cheese made of?", "What is paper made of?", "Is a whale a fish or a mammal?", "Is gold a metal or a gas?",
    "Which is lighter, a stone or a leaf?", "Is a bus bigger or smaller than a bicycle?", "What do you use to write?",
    "What do you use to eat soup?", "What meal do people eat at noon?", "What is a computer?", "What is the internet?",
    "What is a language model?", "What is a sensor?", "What is gravity?", "What is friction?", "What is energy?",
    "What is a triangle?", "What is an average?", "What is a percentage?", "How does a bicycle work?",
    "How does a camera work?", "How do birds fly?", "How do plants grow?", "Why is the sea salty?", "Why do leaves fall?",
    "Why do we dream?", "What is music?", "What is a novel?", "What is a poem?", "What is history?", "What is democracy?",
    "Write a sentence about the sea.", "Write a sentence about a garden.", "Write two sentences about a long journey.",
    "Write a short poem about spring.", "Write a short story about a lost dog.", "Write a greeting for a birthday card.",
    "Write a short message to thank a friend.", "Write an e-mail that asks for a meeting on Monday.",
    "Name three fruits.", "Name three colours.", "Name three animals of the forest.", "Name two instruments.",
    "Name three things in a kitchen.", "Name four sports.", "Name two rivers.", "List three tips for learning a language.",
    "List three tips for saving money.", "List the steps of making tea.", "Describe a beach.", "Describe a library.",
    "Describe the taste of a lemon.", "Describe a winter morning.", "Explain what a budget is.", "Explain how to boil an egg.",
    "Explain why recycling helps.", "Explain what photosynthesis is.", "Translate 'good morning' into French.",
    "What does 'patient' mean?", "What does 'fragile' mean?", "Use the word 'bridge' in a sentence.",
    "Say 'The cat sleeps.' in the past tense.", "Which word rhymes with 'light'?", "Correct this: 'She go to school.'",
    "How are you?", "Good evening!", "Can you help me?", "Tell me a joke.", "Tell me something interesting.",
    "What can I cook with rice and tomatoes?", "How do I clean a window?", "How do I tie a knot?", "How do I make a salad?",
    "What should I pack for a weekend by the sea?", "Should I take an umbrella when it is cloudy?",
    "How do I make friends in a new city?", "What makes a good teacher?", "What is a good name for a dog?",
)  # fmt: skip


def general_questions() -> tuple[str, ...]:
    """All of them, each once."""
    return (
        *(text.format(activity) for activity in ACTIVITIES for text in ABOUT_ACTIVITIES),
        *ABOUT_THE_BODY,
        *ABOUT_ANYTHING,
    )


@cache
def general_answers() -> tuple[tuple[str, str], ...]:
    """Questions and what the base language model answers."""
    return tuple(json.loads(ANSWERS_FILE.read_text(encoding="utf-8")).items())
