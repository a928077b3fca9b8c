"""The ledger's tables, as SQLAlchemy Core sees them. ``migrations.py`` holds how they came to be."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    text,
)

metadata = MetaData()

#: Single values: the row hash's key, what the workspace is for, the schema, the state of the decision rule.
facts = Table(
    "facts",
    metadata,
    Column("name", String, primary_key=True),
    Column("value", JSON, nullable=False),
)

#: One row for each content under a name. ``published``: what follows the commit has been done.
files = Table(
    "files",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=True),
    Column("name", String, nullable=False),
    Column("sha256", String(64)),
    Column("state", String, nullable=False),
    Column("reason", JSON),
    Column("notes", JSON, nullable=False),
    Column("rows_read", Integer, nullable=False),
    Column("rows_ingested", Integer, nullable=False),
    Column("rows_duplicate", Integer, nullable=False),
    Column("rows_rejected", Integer, nullable=False),
    Column("unlabelled", Integer, nullable=False),
    Column("size", Integer, nullable=False),
    Column("seen_at", String, nullable=False),
    Column("committed_at", String, nullable=False),
    Column("seconds", Float, nullable=False),
    Column("dataset_version", Integer, nullable=False),
    Column("device", Integer, nullable=False),
    Column("inode", Integer, nullable=False),
    Column("mtime_ns", Integer, nullable=False),
    Column("ctime_ns", Integer, nullable=False),
    Column("published", Boolean, nullable=False),
    Index("files_sha256", "sha256"),
    Index("files_name", "name"),
    Index("files_unpublished", "published"),
)

#: Immutable tables. ``first_row``: the number of the first row in the data set (kind rows); ``owner``: the file that
#: was ranked, or the decision whose rows were scored; ``model``: the release that said so. ``staged``: what it holds
#: is in the table of that name, not in a Parquet file.
parts = Table(
    "parts",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("path", String, nullable=False, unique=True),
    Column("kind", String, nullable=False),
    Column("first_row", Integer, nullable=False),
    Column("owner", Integer),
    Column("model", Integer),
    Column("rows", Integer, nullable=False),
    Column("bytes", Integer, nullable=False),
    Column("dataset_version", Integer, nullable=False),
    Column("staged", Boolean, nullable=False, server_default=text("0")),
    Index("parts_kind_first_row", "kind", "first_row"),
    Index("parts_owner", "owner"),
    Index("parts_staged", "kind", "rows", "bytes", sqlite_where=text("staged")),
)

#: What small parts hold, as Arrow streams.
staged = Table(
    "staged",
    metadata,
    Column("part", Integer, ForeignKey("parts.id", ondelete="CASCADE"), primary_key=True),
    Column("data", LargeBinary, nullable=False),
)

#: The schemas that there were, and the version of the data set that each of them first belonged to.
schema_versions = Table(
    "schema_versions",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("dataset_version", Integer, nullable=False),
    Column("document", JSON, nullable=False),
)

#: The runs of the row index, in the order in which they came: a file of that name, or ``data`` where it is small.
index_runs = Table(
    "index_runs",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("name", String, nullable=False),
    Column("rows", Integer, nullable=False),
    Column("data", LargeBinary),
)

#: The hash of each row and its number, as ledgers had them before there were runs; the index takes them over.
row_hashes = Table(
    "row_hashes",
    metadata,
    Column("hash", LargeBinary(16), primary_key=True),
    Column("row", Integer, nullable=False),
    sqlite_with_rowid=False,
)

#: What is still to be decided on: the labelled rows of a file, by period. A block takes them by its id.
undecided = Table(
    "undecided",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("part", Integer, ForeignKey("parts.id"), nullable=False),
    Column("file", Integer, ForeignKey("files.seq"), nullable=False),
    Column("period", String),
    Column("rows", Integer, nullable=False),
    Column("positives", Integer, nullable=False),
    Column("decision", Integer, ForeignKey("decisions.id")),
    Column("held", Integer, nullable=False, server_default=text("0")),
    Index("undecided_decision", "decision"),
    Index("undecided_part", "part"),
)

#: A decision is committed twice: its members when it starts, its verdict when it ends.
decisions = Table(
    "decisions",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("kind", String, nullable=False),
    Column("periods", JSON, nullable=False),
    Column("rows", Integer, nullable=False),
    Column("dataset_version", Integer, nullable=False),
    Column("started_at", String, nullable=False),
    Column("ended_at", String),
    Column("attempts", Integer, nullable=False),
    Column("verdict", String),
    Column("record", JSON),
)

#: One row for each release. ``state`` is derived from ``current_model`` and ``previous_model`` in ``facts``.
models = Table(
    "models",
    metadata,
    Column("version", Integer, primary_key=True),
    Column("provisional", Boolean, nullable=False),
    Column("estimator", String, nullable=False),
    Column("trained_rows", Integer, nullable=False),
    Column("dataset_version", Integer, nullable=False),
    Column("metrics", JSON, nullable=False),
    Column("decision", Integer, ForeignKey("decisions.id")),
    Column("deployed_at", String, nullable=False),
    Column("reported", Boolean, nullable=False),
)

#: What happened, in order: the log's canonical lines, kept.
events = Table(
    "events",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=True),
    Column("at", String, nullable=False),
    Column("event", String, nullable=False),
    Column("facts", JSON, nullable=False),
)
