"""What Artel wants to reach beside stock, and whether it did."""

from .measure import title


def said(options, stock, artel):
    """One line."""
    chain = title("sequential", options.sequential)
    goals = [
        ("from a task's end to the next one's start", f"{chain}: end to next start, p50 ms", 30, 20),
        ("scheduler CPU a task, of all runs together", "all of these: scheduler CPU ms a task", 30, None),
        ("tasks one after the other", f"{chain}: wall s", 10, None),
        ("start to healthy", "start to healthy, s", 10, None),
    ]
    parts, missed = [], []
    for what, figure, times, most in goals:
        better = stock[figure] / artel[figure]
        under = f" and {artel[figure]:,.0f} ms (under {most})" if most else ""
        parts.append(f"{what} {better:,.1f}× (at least {times}×){under}")
        if better < times or (most and artel[figure] >= most):
            missed.append(what)
    return f"Goals: {'; '.join(parts)}: {'missed by ' + ', '.join(missed) if missed else 'met'}."
