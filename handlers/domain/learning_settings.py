"""The settings of the learning side: what counts as evidence, what is learned, and what may be deployed."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from handlers.domain.estimator_names import ALLOWED, KNOWN, PATTERN

Meta = msgspec.Meta

POLICIES = "evidence, raw_f1, iqr, two_sigma, always, always:N, every:N or never, N being a number from 1 to 9999"
FREE = "evidence:free"
"""The policy ``evidence`` under ``promotion.deployments`` = ``free``, where policies are compared."""
POLICY_PATTERN = r"^(evidence|raw_f1|iqr|two_sigma|never|always(:[1-9][0-9]{0,3})?|every:[1-9][0-9]{0,3})$"


class DriftSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``drift``: what counts as evidence that the deployed model has become worse, and which files are broken."""

    policy: Annotated[str, Meta(pattern=POLICY_PATTERN, extra={"allowed": POLICIES})] = "evidence"
    """evidence: deploy what is better on evidence; always, always:N: after each block, from all blocks or the last N;
    every:N: after each N-th; never; raw_f1, iqr, two_sigma: when the F1 falls below the last one (the original
    exercise), below the lower quartile by 1.5 interquartile ranges, or below the mean by two standard deviations."""
    alarm_z: Annotated[float, Meta(gt=0)] = 3.5
    """Standard errors by which the loss of one block must exceed its reference and allowance; 1 of 4,300 by chance."""
    alarm_cusum: Annotated[float, Meta(gt=0)] = 5.0
    """The sum of standard errors, each less 1, above which a smaller rise over several blocks is an alarm."""
    allowance: Annotated[float, Meta(ge=0, lt=1)] = 0.02
    """The rise of the loss, as a part of it, that is no harm: blocks differ by more than the chance of their rows."""
    watch_z: Annotated[float, Meta(gt=0)] = 2.0
    """Standard errors, without the allowance, from which challengers are trained sooner: it costs fits, no trust."""
    watch_cusum: Annotated[float, Meta(gt=0)] = 3.0
    """The sum of standard errors, each less a half, from which challengers are trained sooner."""
    reference_blocks: Annotated[int, Meta(ge=0)] = 4
    """So many quiet blocks of a new model make its promised loss more precise; more would follow a slow decay."""
    adapting_blocks: Annotated[int, Meta(ge=1)] = 2
    """After an alarm, so many blocks without anything better until the new level of the loss is accepted."""
    missing_jump: Annotated[float, Meta(gt=0, le=1)] = 0.3
    """A file is held if the share of missing values in a column is higher by more than this than in training."""
    outside_share: Annotated[float, Meta(gt=0, le=1)] = 0.5
    """A file is held if more than this share of a column's numbers lie outside the range of the training."""
    new_category_share: Annotated[float, Meta(gt=0, le=1)] = 0.5
    """A file is held if more than this share of a column's categories was never seen in training."""
    hold_at_most: Annotated[int, Meta(ge=0)] = 3
    """So many held files in a row are the new normal: they are learned from after all. 0: no file is held."""


class TrainingSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``training``: what is learned, and from how much."""

    estimators: tuple[Annotated[str, Meta(pattern=PATTERN, extra={"allowed": ALLOWED})], ...] = KNOWN
    """The recipes, the simplest first. The first model of all is the first of them alone; two are blended. A
    scikit-learn classifier of one's own, by its import path, has no scorecard: a process of its own serves it."""
    minimum_rows: Annotated[int, Meta(ge=1)] = 200
    """Labelled rows below which a model is provisional, and which rows are pooled to be judged by."""
    minimum_rare: Annotated[int, Meta(ge=1)] = 20
    """Rows of the rarer class below which a model is provisional, and up to which rows are pooled."""
    single_lead: Annotated[float, Meta(ge=0)] = 0.03
    """An estimator is deployed alone if its loss is lower than the other's by more than this part of it."""
    refresh_blocks: Annotated[int, Meta(ge=1)] = 8
    """Challengers are trained anew after so many blocks, after twice as many the next time, then after 16."""
    growth: Annotated[float, Meta(gt=1)] = 2.0
    """The factor by which the labelled rows must have grown since the last training for new challengers sooner, and
    by which a challenger must have learned from more blocks than the champion to need less proof."""
    recent_blocks: Annotated[int, Meta(ge=1)] = 4
    """The shortest window of a challenger: so many of the newest blocks."""
    folds: Annotated[int, Meta(ge=2, le=20)] = 3
    """Folds of what is held out in turn; three keep most rows for training at a third of the cost of ten."""
    max_rows: Annotated[int, Meta(ge=100)] = 200_000
    """At most so many of the newest labelled rows are learned from; more make a fit slower, hardly better."""
    max_categories: Annotated[int, Meta(ge=2)] = 100
    """A text column with more distinct values is kept but not learned from."""
    seed: Annotated[int, Meta(ge=0, le=2**32 - 1)] = 1
    """The seed of folds, estimators and the bootstrap: the same rows give the same model and the same decision."""


class PromotionSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``promotion``: how sure one must be that a challenger is better, and what it must not make worse."""

    deployments: Literal["sparing", "free"] = "sparing"
    """sparing: about one deployment in ten blocks; free: about two, for a slightly lower loss."""
    confidence_z: Annotated[float, Meta(ge=0)] = 1.28
    """Standard errors by which the gain must be above 0; 1.28 is 90%, one-sided: missed gains cost more than swaps
    between equals."""
    alarm_confidence_z: Annotated[float, Meta(ge=0)] = 1.64
    """The same for a challenger that has learned only since an alarm, and is judged by half a block: 95%."""
    growth_confidence_z: Annotated[float, Meta(ge=0)] = 0.64
    """The same for one that has learned all that the champion has and ``training.growth`` times as much: 74%. More of
    the same is likely to be better before anything is seen."""
    rollback_z: Annotated[float, Meta(ge=0)] = 2.33
    """Standard errors by which the previous model must be better than the current one to come back: 99%."""
    minimum_gain: Annotated[float, Meta(ge=0, lt=1)] = 0.0025
    """The part of the loss that a gain must exceed: less is not worth a change that people notice."""
    repeat_cost: Annotated[float, Meta(ge=0)] = 4.0
    """Each deployment in the last ten blocks raises the least gain by so many times: a world that is another one in
    each block is better served by a steady model than by the newest."""
    block_noise: Annotated[float, Meta(ge=0, lt=1)] = 0.02
    """Standard deviation of a gain from block to block, as a part of the loss, beyond the chance of its rows."""
    evidence_blocks: Annotated[int, Meta(ge=1, le=64)] = 8
    """The newest blocks by which challengers are judged: what was true long ago says little."""
    max_f1_drop: Annotated[float, Meta(ge=0, le=1)] = 0.05
    """A challenger whose F1 is lower by more than this, beyond chance, is not deployed: lists are made from it."""
    max_auc_drop: Annotated[float, Meta(ge=0, le=1)] = 0.02
    """The same for the ROC AUC: it is the order in which clients are called."""
    max_calibration_rise: Annotated[float, Meta(ge=0, le=1)] = 0.03
    """The same for the calibration error, in probability: managers read the probabilities as they stand."""
    max_segment_rise: Annotated[float, Meta(ge=0)] = 0.25
    """The part by which the loss may rise in a segment: a gain on average must not be paid by one group of clients."""
    segment_rows: Annotated[int, Meta(ge=2)] = 50
    """Categories with fewer rows than this are no segment to be judged: their loss is mostly chance."""
    threshold: Literal["f1"] | Annotated[float, Meta(ge=0, le=1)] = "f1"
    """The probability from which a client is predicted to leave; f1: the one with the best F1 out of fold."""


class Judging(msgspec.Struct, frozen=True):
    """All settings that a decision is made by."""

    drift: DriftSettings = DriftSettings()
    training: TrainingSettings = TrainingSettings()
    promotion: PromotionSettings = PromotionSettings()
