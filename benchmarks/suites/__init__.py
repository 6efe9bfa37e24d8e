"""The bundled suites, one TOML file each; inside the package they are ``inng_bench.suites``."""
