//! A real server for tests: TestServer, callers as types, a clock to move.
