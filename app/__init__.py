"""The web application and the command line: reads the lake, submits specs, draws."""
