#include "cli/access.hpp"

namespace provost::cli {

std::string text(const json::object& object, std::string_view member) {
  const json::value* found = object.if_contains(member);
  return found != nullptr && found->is_string() ? std::string(found->get_string()) : std::string();
}

std::int64_t number(const json::object& object, std::string_view member) {
  const json::value* found = object.if_contains(member);
  return found != nullptr && found->is_int64() ? found->get_int64() : 0;
}

bool flag(const json::object& object, std::string_view member) {
  const json::value* found = object.if_contains(member);
  return found != nullptr && found->is_bool() && found->get_bool();
}

const json::array& list(const json::object& object, std::string_view member) {
  static const json::array kNone;
  const json::value* found = object.if_contains(member);
  return found != nullptr && found->is_array() ? found->get_array() : kNone;
}

const json::object& child(const json::object& object, std::string_view member) {
  static const json::object kNone;
  const json::value* found = object.if_contains(member);
  return found != nullptr && found->is_object() ? found->get_object() : kNone;
}

std::string joined(const json::array& texts, std::string_view separator) {
  std::string all;
  for (const json::value& each : texts) {
    if (each.is_string()) {
      all += (all.empty() ? "" : std::string(separator)) + std::string(each.get_string());
    }
  }
  return all;
}

}  // namespace provost::cli
