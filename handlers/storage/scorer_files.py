"""A scorer as files: a scorecard, or what is to be known of a pipeline beside its ``model.joblib``."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from handlers.domain.scorecard import Calibration, Feature, Scorecard
from handlers.domain.scorer import Opener, Pairs, PipelineScorer, Scorer
from handlers.storage import scorecard_files

MODEL, PIPELINE = "model.joblib", "pipeline.json"
FORMAT = 1


class _Document(msgspec.Struct, forbid_unknown_fields=True):
    format: int
    threshold: float
    features: tuple[Feature, ...]
    calibration: Calibration
    categories: dict[str, list[str]]
    importance: dict[str, float]
    pairs: Pairs


def encode(scorer: Scorer) -> dict[str, bytes]:
    """The contents of its files by their names, without the fitted estimator."""
    if isinstance(scorer, Scorecard):
        return scorecard_files.encode(scorer)
    if not isinstance(scorer, PipelineScorer):
        raise TypeError(f"a {type(scorer).__name__} cannot be stored")
    document = _Document(
        format=FORMAT,
        threshold=scorer.threshold,
        features=scorer.features,
        calibration=scorer.calibration,
        categories={
            name: sorted(value for value in known if value is not None) for name, known in scorer.categories.items()
        },
        importance=dict(scorer.importance),
        pairs=scorer.pairs,
    )
    return {PIPELINE: msgspec.json.format(msgspec.json.encode(document))}


def decode(files: Mapping[str, bytes], version: int, opener: Opener) -> Scorer:
    """Read back what ``encode`` gave. A pipeline is asked through what ``opener`` makes of ``model.joblib``; whoever
    calls has verified that. Raises KeyError for a file that is not there, and ValueError that says what is wrong."""
    if PIPELINE not in files:
        return scorecard_files.decode(files)
    try:
        read = msgspec.json.decode(files[PIPELINE], type=_Document)
    except msgspec.ValidationError as error:
        raise ValueError(f"{PIPELINE}: {error}") from error
    if read.format != FORMAT:
        raise ValueError(f"{PIPELINE}: format {read.format}, this version reads {FORMAT}")
    return PipelineScorer(
        features=read.features,
        threshold=read.threshold,
        say=opener(version, files[MODEL] if opener.reads_model else b""),
        calibration=read.calibration,
        categories={name: frozenset([*known, None]) for name, known in read.categories.items()},
        importance=read.importance,
        pairs=read.pairs,
    )
