//! SDK: typed, signed calls against Matricula or the service it is compatible with.
