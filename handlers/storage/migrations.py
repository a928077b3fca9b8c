"""How the ledger's schema came to be: one list of statements for each version, applied once and in order."""

from __future__ import annotations

from sqlalchemy import Connection

_FIRST = (
    """
    CREATE TABLE decisions (
        id INTEGER NOT NULL,
        kind VARCHAR NOT NULL,
        periods JSON NOT NULL,
        rows INTEGER NOT NULL,
        dataset_version INTEGER NOT NULL,
        started_at VARCHAR NOT NULL,
        ended_at VARCHAR,
        attempts INTEGER NOT NULL,
        verdict VARCHAR,
        record JSON,
        PRIMARY KEY (id)
    )
    """,
    """
    CREATE TABLE events (
        seq INTEGER NOT NULL,
        at VARCHAR NOT NULL,
        event VARCHAR NOT NULL,
        facts JSON NOT NULL,
        PRIMARY KEY (seq)
    )
    """,
    """
    CREATE TABLE facts (
        name VARCHAR NOT NULL,
        value JSON NOT NULL,
        PRIMARY KEY (name)
    )
    """,
    """
    CREATE TABLE files (
        seq INTEGER NOT NULL,
        name VARCHAR NOT NULL,
        sha256 VARCHAR(64),
        state VARCHAR NOT NULL,
        reason JSON,
        notes JSON NOT NULL,
        rows_read INTEGER NOT NULL,
        rows_ingested INTEGER NOT NULL,
        rows_duplicate INTEGER NOT NULL,
        rows_rejected INTEGER NOT NULL,
        unlabelled INTEGER NOT NULL,
        size INTEGER NOT NULL,
        seen_at VARCHAR NOT NULL,
        committed_at VARCHAR NOT NULL,
        seconds FLOAT NOT NULL,
        dataset_version INTEGER NOT NULL,
        device INTEGER NOT NULL,
        inode INTEGER NOT NULL,
        mtime_ns INTEGER NOT NULL,
        ctime_ns INTEGER NOT NULL,
        published BOOLEAN NOT NULL,
        PRIMARY KEY (seq)
    )
    """,
    "CREATE INDEX files_name ON files (name)",
    "CREATE INDEX files_sha256 ON files (sha256)",
    "CREATE INDEX files_unpublished ON files (published)",
    """
    CREATE TABLE parts (
        id INTEGER NOT NULL,
        path VARCHAR NOT NULL,
        kind VARCHAR NOT NULL,
        first_row INTEGER NOT NULL,
        owner INTEGER,
        model INTEGER,
        rows INTEGER NOT NULL,
        bytes INTEGER NOT NULL,
        dataset_version INTEGER NOT NULL,
        PRIMARY KEY (id),
        UNIQUE (path)
    )
    """,
    "CREATE INDEX parts_kind ON parts (kind)",
    "CREATE INDEX parts_owner ON parts (owner)",
    """
    CREATE TABLE row_hashes (
        hash BLOB NOT NULL,
        "row" INTEGER NOT NULL,
        PRIMARY KEY (hash)
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE models (
        version INTEGER NOT NULL,
        provisional BOOLEAN NOT NULL,
        estimator VARCHAR NOT NULL,
        trained_rows INTEGER NOT NULL,
        dataset_version INTEGER NOT NULL,
        metrics JSON NOT NULL,
        decision INTEGER,
        deployed_at VARCHAR NOT NULL,
        reported BOOLEAN NOT NULL,
        PRIMARY KEY (version),
        FOREIGN KEY(decision) REFERENCES decisions (id)
    )
    """,
    """
    CREATE TABLE undecided (
        id INTEGER NOT NULL,
        part INTEGER NOT NULL,
        file INTEGER NOT NULL,
        period VARCHAR,
        rows INTEGER NOT NULL,
        positives INTEGER NOT NULL,
        decision INTEGER,
        PRIMARY KEY (id),
        FOREIGN KEY(part) REFERENCES parts (id),
        FOREIGN KEY(file) REFERENCES files (seq),
        FOREIGN KEY(decision) REFERENCES decisions (id)
    )
    """,
    "CREATE INDEX undecided_decision ON undecided (decision)",
)

_STAGED_PARTS = (
    "ALTER TABLE parts ADD COLUMN staged BOOLEAN DEFAULT 0 NOT NULL",
    "DROP INDEX parts_kind",
    "CREATE INDEX parts_kind_first_row ON parts (kind, first_row)",
    "CREATE INDEX parts_staged ON parts (kind, rows, bytes) WHERE staged",
    "CREATE INDEX undecided_part ON undecided (part)",
    """
    CREATE TABLE staged (
        part INTEGER NOT NULL,
        data BLOB NOT NULL,
        PRIMARY KEY (part),
        FOREIGN KEY(part) REFERENCES parts (id) ON DELETE CASCADE
    )
    """,
    """
    CREATE TABLE schema_versions (
        id INTEGER NOT NULL,
        dataset_version INTEGER NOT NULL,
        document JSON NOT NULL,
        PRIMARY KEY (id)
    )
    """,
    "INSERT INTO schema_versions (dataset_version, document) SELECT 0, value FROM facts WHERE name = 'schema'",
)

_INDEX_RUNS = (
    """
    CREATE TABLE index_runs (
        id INTEGER NOT NULL,
        name VARCHAR NOT NULL,
        rows INTEGER NOT NULL,
        data BLOB,
        PRIMARY KEY (id)
    )
    """,
)

_HELD = ("ALTER TABLE undecided ADD COLUMN held INTEGER DEFAULT 0 NOT NULL",)

MIGRATIONS: tuple[tuple[str, ...], ...] = (_FIRST, _STAGED_PARTS, _INDEX_RUNS, _HELD)
"""Never edited, only appended to: a ledger of any age is brought up by what follows its ``user_version``."""


def migrate(connection: Connection) -> None:
    """Apply what is missing, inside the caller's transaction.

    Raises ValueError where the ledger is newer than this program.
    """
    version = connection.exec_driver_sql("PRAGMA user_version").scalar_one()
    if version > len(MIGRATIONS):
        raise ValueError(
            f"it has schema version {version}, and this program knows versions up to {len(MIGRATIONS)}; "
            "install the attritiond that wrote it"
        )
    for number, statements in enumerate(MIGRATIONS[version:], start=version + 1):
        for statement in statements:
            connection.exec_driver_sql(statement)
        connection.exec_driver_sql(f"PRAGMA user_version={number}")
