"""``python -m daemon`` is the command ``attritiond``."""

from daemon.cli import run

if __name__ == "__main__":
    run()
