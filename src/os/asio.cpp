// Asio and Beast, compiled once for the whole program (the *_SEPARATE_COMPILATION definitions keep
// them out of every other file).
#include <boost/asio/impl/src.hpp>
#include <boost/asio/ssl/impl/src.hpp>
#include <boost/beast/src.hpp>
