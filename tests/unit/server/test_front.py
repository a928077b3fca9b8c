"""The serving process stays light."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
HEAVY = "sorted({'pandas', 'sklearn', 'scipy', 'matplotlib', 'interpret'} & set(sys.modules))"
LATER = "sorted({'pyarrow', 'pandas', 'sklearn', 'scipy', 'matplotlib', 'interpret', 'joblib'} & set(sys.modules))"
ASKED_FOR = (
    "sorted({'jinja2', 'prometheus_client', 'server.openapi', 'server.description.reference'} & set(sys.modules))"
)


def _printed(program: str) -> str:
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_importing_the_application_loads_nothing_heavy() -> None:
    assert _printed(f"import sys, server.app; print({HEAVY})") == "[]"


def test_what_the_daemon_imports_at_its_start_does_without_pyarrow() -> None:
    program = f"""
import sys
from server.front import keep_pandas_out
keep_pandas_out()
import daemon.commands.running, daemon.daemon
print({LATER}, {ASKED_FOR})
"""
    assert _printed(program) == "[] []"


def test_what_the_ingest_worker_imports_at_its_start_has_nothing_that_only_learning_needs() -> None:
    program = f"import sys, daemon.worker_tasks; print(sorted(set({LATER}) - {{'pyarrow'}}))"
    assert _printed(program) == "[]"


def test_a_thrifty_process_takes_memory_by_the_systems_allocator() -> None:
    program = """
import sys
from server.front import keep_pandas_out
keep_pandas_out(thrifty=True)
loaded = 'pyarrow' in sys.modules
import pyarrow
print(loaded, pyarrow.default_memory_pool().backend_name, 'pandas' in sys.modules)
"""
    assert _printed(program) == "False system False"


def test_tables_are_read_without_pandas_once_it_is_kept_out() -> None:
    program = f"""
import sys
from server.front import keep_pandas_out
keep_pandas_out()
import pyarrow as pa
from handlers.client_tables import from_arrow, from_csv
from handlers.domain.limits import Limits
from handlers.prediction import predict
from server.arrow_wire import write_stream
from tests.unit.server.small_house import release
clients = from_csv(release(), b"tenure,contract\\n1,a\\n,b\\n", Limits())
write_stream(predict(release(), clients, reasons=2))
from_arrow(release(), pa.table({{"tenure": [1], "contract": ["a"]}}))
print({HEAVY})
import pandas
print(pandas.DataFrame({{"a": [1]}}).shape)
"""
    assert _printed(program) == "[]\n(1, 1)"
