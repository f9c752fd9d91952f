#include "service/kept_files.hpp"

#include <boost/json.hpp>

namespace provost::service {
namespace {

namespace json = boost::json;

json::value to_json(const std::optional<store::GivenFile>& file) {
  return file ? json::value{{"name", file->name}, {"text", file->text}} : json::value();
}

std::optional<spec::SourceText> read(const json::object& files, const char* member) {
  const json::value* value = files.if_contains(member);
  const json::object* file = value == nullptr ? nullptr : value->if_object();
  if (file == nullptr || !file->contains("name") || !file->contains("text")) {
    return std::nullopt;
  }
  const auto text = [&](const char* name) {
    const json::string* found = file->at(name).if_string();
    return found == nullptr ? std::string() : std::string(*found);
  };
  return spec::SourceText{text("name"), text("text")};
}

}  // namespace

std::string keep_files(const store::Cluster& row) {
  return json::serialize(
      json::object{{"cluster_config", to_json(row.cluster_config)},
                   {"provisioning_parameters", to_json(row.provisioning_parameters)},
                   {"campus", to_json(row.campus)}});
}

Result<spec::Sources> kept_files(const std::string& text) {
  boost::system::error_code problem;
  const json::value value = json::parse(text, problem);
  const json::object* files = problem ? nullptr : value.if_object();
  const auto config = files == nullptr ? std::nullopt : read(*files, "cluster_config");
  if (!config) {
    return fail(ErrorKind::invalid, "the files before the change cannot be read");
  }
  return spec::Sources{.cluster_config = *config,
                       .provisioning_parameters = read(*files, "provisioning_parameters"),
                       .campus = read(*files, "campus"),
                       .name = {},
                       .allow_unknown = true};
}

}  // namespace provost::service
