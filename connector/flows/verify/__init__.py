"""`connector verify`: gather evidence on both sides, judge every check, remember, compare."""
