"""What several rooms of the tests share and no tool needs."""
