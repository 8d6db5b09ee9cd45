"""What needs the repository: drawn scenes, and measurements on data sets."""
