"""The networks beside other engines, and whole pictures beside other readers."""
