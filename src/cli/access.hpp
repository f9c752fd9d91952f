// Reading the API's JSON: members that are absent or of another type are empty.
#pragma once

#include <boost/json.hpp>
#include <string>

namespace provost::cli {

namespace json = boost::json;

std::string text(const json::object& object, std::string_view member);
std::int64_t number(const json::object& object, std::string_view member);
bool flag(const json::object& object, std::string_view member);
/// An empty array when there is none.
const json::array& list(const json::object& object, std::string_view member);
/// An empty object when there is none.
const json::object& child(const json::object& object, std::string_view member);
/// Members of an array of texts, joined.
std::string joined(const json::array& texts, std::string_view separator);

}  // namespace provost::cli
