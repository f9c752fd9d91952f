#include <algorithm>
#include <limits>

#include "base/text.hpp"
#include "spec/builtin.hpp"
#include "spec/spec.hpp"

namespace provost::spec {
namespace {

/// Which column holds what; the file may have more of them, in any order.
struct Columns {
  std::size_t type = 0;
  std::size_t vcpus = 0;
  std::size_t memory = 0;
  std::size_t accelerator = 0;
  std::size_t accelerators = 0;
  std::size_t count = 0;
};

Result<Columns> read_columns(const std::string& file, std::string_view line) {
  const std::vector<std::string> names = split(line, ',');
  Columns columns;
  columns.count = names.size();
  const std::pair<const char*, std::size_t*> wanted[] = {{"type", &columns.type},
                                                         {"vcpus", &columns.vcpus},
                                                         {"memory_mib", &columns.memory},
                                                         {"accelerator", &columns.accelerator},
                                                         {"accelerators", &columns.accelerators}};
  for (const auto& [name, column] : wanted) {
    const auto found = std::find(names.begin(), names.end(), name);
    if (found == names.end()) {
      return fail(ErrorKind::invalid, "{}:1: no column \"{}\"", file, name);
    }
    *column = static_cast<std::size_t>(found - names.begin());
  }
  return columns;
}

Result<std::int64_t> read_number(const std::string& place, const std::string& cell) {
  const auto number = cell.empty() ? 0 : to_number(cell);
  if (!number || *number > std::numeric_limits<int>::max()) {
    return fail(ErrorKind::invalid, "{}: \"{}\" is no number", place, shorten(cell));
  }
  return *number;
}

Result<model::InstanceType> read_row(const std::string& place, const Columns& columns,
                                     std::string_view line) {
  const std::vector<std::string> cells = split(line, ',');
  if (cells.size() != columns.count) {
    return fail(ErrorKind::invalid, "{}: {} columns, the first line has {}", place, cells.size(),
                columns.count);
  }
  const auto vcpus = read_number(place, cells[columns.vcpus]);
  const auto memory = read_number(place, cells[columns.memory]);
  const auto accelerators = read_number(place, cells[columns.accelerators]);
  for (const auto* number : {&vcpus, &memory, &accelerators}) {
    if (!*number) {
      return pass(number->error());
    }
  }
  if (cells[columns.type].empty()) {
    return fail(ErrorKind::invalid, "{}: the type has no name", place);
  }
  return model::InstanceType{.name = cells[columns.type],
                             .vcpus = static_cast<int>(*vcpus),
                             .memory_mib = *memory,
                             .accelerator = cells[columns.accelerator],
                             .accelerators = static_cast<int>(*accelerators)};
}

}  // namespace

Result<Catalogue> read_catalogue(const SourceText& csv) {
  const std::vector<std::string> lines = split(csv.text, '\n');
  const auto columns = read_columns(csv.name, trim(lines.front()));
  if (!columns) {
    return pass(columns.error());
  }
  Catalogue catalogue;
  for (std::size_t i = 1; i < lines.size(); ++i) {
    const std::string_view line = trim(lines[i]);
    if (line.empty()) {
      continue;
    }
    const std::string place = fmt::format("{}:{}", csv.name, i + 1);
    auto type = read_row(place, *columns, line);
    if (!type) {
      return pass(type.error());
    }
    if (type->vcpus == 0 || type->memory_mib == 0) {
      continue;
    }
    const std::string name = type->name;
    if (!catalogue.emplace(name, std::move(*type)).second) {
      return fail(ErrorKind::invalid, "{}: type \"{}\" is given twice", place, shorten(name));
    }
  }
  return catalogue;
}

const Catalogue& builtin_catalogue() {
  // A test reads it: value() cannot fail in a program that was built.
  static const Catalogue kCatalogue =
      read_catalogue({"models/instance-types.csv", std::string(builtin::instance_types())}).value();
  return kCatalogue;
}

}  // namespace provost::spec
