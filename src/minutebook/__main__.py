"""`python -m minutebook` is `minutebook`."""

from minutebook.cli import main

if __name__ == "__main__":
    main()
