"""The one exception a person is meant to read."""


class UserError(Exception):
    """Bad input or a missing thing: one clear sentence that says what to do.

    The command line prints it on stderr and exits with status 1, a page shows it in a box,
    a job stores it as the reason why it failed. Anything else that is raised is a defect.
    """
