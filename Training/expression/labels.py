"""Label orders, and how emotions merge into the four moods."""

from __future__ import annotations

FERPLUS = ("neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt")
"""The eight emotions FER+ voters chose from, in the order of the network's `ferplus` output."""

FER = ("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral")
"""The seven FER2013 classes, in the order of the network's `fer` output."""

FER_NAMES = {
    "angry": "anger",
    "disgust": "disgust",
    "fear": "fear",
    "happy": "happiness",
    "sad": "sadness",
    "surprise": "surprise",
    "neutral": "neutral",
}
"""FER2013's own label names to emotion names."""

MOODS = {
    "happy": ("happiness",),
    "surprised": ("surprise",),
    "neutral": ("neutral",),
    "upset": ("anger", "disgust", "fear", "sadness", "contempt"),
}
"""The four moods as unions of emotions."""


def mood_of(emotions: tuple[str, ...]) -> list[int]:
    """Index of the mood each emotion belongs to, in the order of `MOODS`."""
    return [next(i for i, members in enumerate(MOODS.values()) if emotion in members) for emotion in emotions]
