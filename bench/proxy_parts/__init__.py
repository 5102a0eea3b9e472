"""The parts of `bench/proxy`."""
