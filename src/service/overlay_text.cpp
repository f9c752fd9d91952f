#include "service/overlay_text.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <optional>

namespace provost::service {
namespace {

namespace json = boost::json;
using model::Amendment;

std::optional<Amendment::Kind> kind_of(const std::string& text) {
  for (const auto kind : {Amendment::Kind::add_member, Amendment::Kind::remove_member,
                          Amendment::Kind::add_project, Amendment::Kind::limit}) {
    if (model::name(kind) == text) {
      return kind;
    }
  }
  return std::nullopt;
}

std::string text_of(const json::object& object, const char* name) {
  const json::value* found = object.if_contains(name);
  return found != nullptr && found->is_string() ? std::string(found->get_string()) : "";
}

std::int64_t number_of(const json::object& object, const char* name) {
  const json::value* found = object.if_contains(name);
  return found != nullptr && found->is_int64() ? found->get_int64() : 0;
}

std::optional<Amendment> read_amendment(const json::value& value) {
  const json::object* object = value.if_object();
  const auto kind = object == nullptr ? std::nullopt : kind_of(text_of(*object, "kind"));
  if (!kind || number_of(*object, "id") < 1) {
    return std::nullopt;
  }
  return Amendment{.id = static_cast<int>(number_of(*object, "id")),
                   .at = from_millis(number_of(*object, "at")),
                   .by = text_of(*object, "by"),
                   .kind = *kind,
                   .account = text_of(*object, "account"),
                   .subject = text_of(*object, "subject"),
                   .value = number_of(*object, "value"),
                   .title = text_of(*object, "title"),
                   .lead = text_of(*object, "lead")};
}

}  // namespace

std::string to_text(const model::Overlay& overlay) {
  if (overlay == model::Overlay{}) {
    return {};
  }
  json::array amendments;
  for (const Amendment& each : overlay.amendments) {
    amendments.push_back({{"id", each.id},
                          {"at", to_millis(each.at)},
                          {"by", each.by},
                          {"kind", model::name(each.kind)},
                          {"account", each.account},
                          {"subject", each.subject},
                          {"value", each.value},
                          {"title", each.title},
                          {"lead", each.lead}});
  }
  return json::serialize(
      json::object{{"next", overlay.next}, {"amendments", std::move(amendments)}});
}

model::Overlay read_overlay(const std::string& text) {
  model::Overlay overlay;
  boost::system::error_code problem;
  const json::value value = json::parse(text, problem);
  const json::object* object = problem ? nullptr : value.if_object();
  if (object == nullptr) {
    return overlay;
  }
  overlay.next = std::max<int>(1, static_cast<int>(number_of(*object, "next")));
  const json::value* list = object->if_contains("amendments");
  for (const json::value& each :
       list != nullptr && list->is_array() ? list->get_array() : json::array()) {
    if (auto amendment = read_amendment(each)) {
      overlay.next = std::max(overlay.next, amendment->id + 1);
      overlay.amendments.push_back(std::move(*amendment));
    }
  }
  return overlay;
}

}  // namespace provost::service
