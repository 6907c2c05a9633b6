//! The HTTP server: routes, conversion, configuration, lifecycle. A library.
