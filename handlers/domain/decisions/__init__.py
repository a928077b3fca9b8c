"""The judgement: when a deployed model has become worse, and which challenger may take its place. All of it is pure."""
