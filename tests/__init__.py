"""A package, so that these tests are found before those that a dependency installs."""
