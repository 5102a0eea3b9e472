"""The parts of `bench/hub`."""
