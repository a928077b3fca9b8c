"""``python -m daemon`` is the command ``attritiond``."""

from daemon.cli import main

if __name__ == "__main__":
    main(prog_name="attritiond")
