"""Figures that have a bound: printed with what was measured, met or missed."""


class Goals:
    """Missing one is no failure of the measurement; --check makes it one."""

    def __init__(self):
        self.lines = []
        self.missed = 0

    def at_most(self, what, value, bound, unit, aim=None):
        met = value <= bound
        self.missed += not met
        self.lines.append("| %s | %s | at most %s%s | %s |" % (
            what, amount(value, unit), amount(bound, unit),
            "" if aim is None else ", aim " + amount(aim, unit), "met" if met else "**missed**"))

    def table(self):
        return ["", "| goal | measured | bound | |", "|---|---|---|---|", *self.lines]

    def verdict(self, binding):
        """The exit code they give a part."""
        if self.missed:
            print("%d of %d goals missed" % (self.missed, len(self.lines)), flush=True)
        return 1 if binding and self.missed else 0


def amount(value, unit):
    value = round(value, 1) + 0.0  # what rounds to nothing has no sign
    shown = "%.1f" % value if abs(value) < 1000 else "%.0f" % value
    return (shown[:-2] if shown.endswith(".0") else shown) + " " + unit
