#include "spec/shape.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

#include "spec/builtin.hpp"
#include "spec/json_reader.hpp"

namespace provost::spec {
namespace {

[[noreturn]] void broken(std::string_view what) {
  throw std::logic_error(fmt::format("a compiled-in shape is wrong: {}", what));
}

std::string text_at(const Value& value, std::string_view field) {
  const std::string* text = text_of(value.find(field));
  return text == nullptr ? std::string() : *text;
}

bool truth_at(const Value& value, std::string_view field) {
  const Value* found = value.find(field);
  return found != nullptr && found->truth;
}

Type type_named(std::string_view name) {
  static const std::map<std::string_view, Type> kTypes = {
      {"anything", Type::anything}, {"text", Type::text},    {"integer", Type::integer},
      {"boolean", Type::boolean},   {"list", Type::list},    {"map", Type::map},
      {"date", Type::date},         {"object", Type::object}};
  const auto found = kTypes.find(name);
  return found == kTypes.end() ? (broken(name), Type::anything) : found->second;
}

Effect effect_named(std::string_view name) {
  if (name == "honoured") {
    return Effect::honoured;
  }
  if (name == "refused") {
    return Effect::refused;
  }
  return name.empty() ? Effect::recorded : (broken(name), Effect::recorded);
}

using ByName = std::map<std::string, Shape, std::less<>>;

const Shape* shape_named(const ByName& shapes, std::string_view name) {
  const auto found = shapes.find(name);
  return found == shapes.end() ? (broken(name), nullptr) : &found->second;
}

const Pattern* pattern_of(const Value& json) {
  const std::string name = text_at(json, "pattern");
  const Pattern* pattern = pattern_named(name);
  return !name.empty() && pattern == nullptr ? (broken(name), nullptr) : pattern;
}

void fill_members(const ByName& shapes, const Value& json, Shape& shape) {
  const Value* fields = json.find("fields");
  if (fields == nullptr) {
    return;
  }
  for (const Field& field : fields->fields) {
    shape.members.push_back({.name = field.name,
                             .shape = shape_named(shapes, text_at(field.value, "shape")),
                             .required = truth_at(field.value, "required"),
                             .effect = effect_named(text_at(field.value, "effect")),
                             .reason = text_at(field.value, "reason"),
                             .about = text_at(field.value, "about"),
                             .initial = text_at(field.value, "default"),
                             .example = text_at(field.value, "example")});
  }
}

void fill(const ByName& shapes, const Value& json, Shape& shape) {
  shape.type = type_named(text_at(json, "type"));
  const Value* min = json.find("min");
  const Value* max = json.find("max");
  shape.min = min == nullptr ? shape.min : min->integer;
  shape.max = max == nullptr ? shape.max : max->integer;
  shape.pattern = pattern_of(json);
  if (const std::string regex = text_at(json, "regex"); !regex.empty()) {
    shape.regex = std::make_shared<const Regex>(regex);
    shape.regex_words = text_at(json, "words");
    if (shape.regex_words.empty()) {
      broken(regex);
    }
  }
  shape.is_union = truth_at(json, "union");
  if (const Value* choices = json.find("choices")) {
    for (const Value& choice : choices->items) {
      shape.choices.push_back(choice.text);
    }
  }
  if (const std::string item = text_at(json, "item"); !item.empty()) {
    shape.item = shape_named(shapes, item);
  }
  fill_members(shapes, json, shape);
}

}  // namespace

const Member* Shape::find(std::string_view wanted) const {
  const auto found = std::find_if(members.begin(), members.end(),
                                  [&](const Member& member) { return member.name == wanted; });
  return found == members.end() ? nullptr : &*found;
}

Shapes::Shapes(std::string name, std::string_view json) {
  Report report;
  const Document document = read_json({std::move(name), std::string(json)}, report);
  const Value* shapes = document.root.find("shapes");
  if (report.has_errors() || shapes == nullptr) {
    broken(document.file);
  }
  for (const Field& field : shapes->fields) {
    shapes_[field.name].name = field.name;
  }
  for (const Field& field : shapes->fields) {
    fill(shapes_, field.value, shapes_[field.name]);
  }
  root_ = shape_named(shapes_, text_at(document.root, "root"));
}

const Shape& cluster_config_shape() {
  static const Shapes kShapes("models/cluster-config.shapes.json",
                              builtin::cluster_config_shapes());
  return kShapes.root();
}

const Shape& provisioning_parameters_shape() {
  static const Shapes kShapes("models/provisioning-parameters.shapes.json",
                              builtin::provisioning_parameters_shapes());
  return kShapes.root();
}

const Shape& campus_shape() {
  static const Shapes kShapes("models/campus.shapes.json", builtin::campus_shapes());
  return kShapes.root();
}

}  // namespace provost::spec
