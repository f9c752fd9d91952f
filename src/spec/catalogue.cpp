#include <algorithm>
#include <cctype>
#include <charconv>
#include <limits>
#include <set>

#include "base/text.hpp"
#include "spec/builtin.hpp"
#include "spec/spec.hpp"

namespace provost::spec {
namespace {

using model::InstanceType;

constexpr double kHoursOfAMonth = 730;

/// A cell into a type. False: it makes no sense there.
using Put = bool (*)(InstanceType&, const std::string&);

template <class Number>
bool put_number(Number& into, const std::string& cell, std::int64_t most) {
  const auto number = to_number(cell);
  if (!number || *number < 0 || *number > most) {
    return false;
  }
  into = static_cast<Number>(*number);
  return true;
}

bool put_price(InstanceType& type, const std::string& cell) {
  double price = 0;
  const auto [end, error] = std::from_chars(cell.data(), cell.data() + cell.size(), price);
  if (error != std::errc{} || end != cell.data() + cell.size() || !(price >= 0 && price < 1e6)) {
    return false;
  }
  type.price_per_hour = price;
  return true;
}

struct Column {
  const char* name;
  Put put;
  const char* words;
};

constexpr std::int64_t kMost = std::numeric_limits<int>::max();

constexpr Column kColumns[] = {
    {"vcpus",
     [](InstanceType& type, const std::string& cell) {
       return put_number(type.vcpus, cell, 65'535) && type.vcpus > 0;
     },
     "a whole number of vCPUs"},
    {"memory_mib",
     [](InstanceType& type, const std::string& cell) {
       return put_number(type.memory_mib, cell, kMost) && type.memory_mib > 0;
     },
     "a whole number of MiB"},
    {"accelerator",
     [](InstanceType& type, const std::string& cell) {
       type.accelerator = cell;
       return std::all_of(cell.begin(), cell.end(), [](unsigned char each) {
         return std::islower(each) != 0 || std::isdigit(each) != 0 || each == '-' || each == '_';
       });
     },
     "small letters, digits, - and _, as in a100"},
    {"accelerators",
     [](InstanceType& type, const std::string& cell) {
       return put_number(type.accelerators, cell, 1024);
     },
     "a whole number up to 1024"},
    {"accelerator_memory_mib",
     [](InstanceType& type, const std::string& cell) {
       return put_number(type.accelerator_memory_mib, cell, kMost);
     },
     "a whole number of MiB"},
    {"network_mbps",
     [](InstanceType& type, const std::string& cell) {
       return put_number(type.network_mbps, cell, kMost);
     },
     "a whole number of Mbit/s"},
    {"ec2_usd_per_hour", put_price, "a price per hour, as in 3.06"},
    {"price_per_hour", put_price, "a price per hour, as in 3.06"},
};

/// The columns of a file in their order; nullptr: one that is not read.
struct Header {
  std::vector<const Column*> columns;
  std::size_t type = 0;
};

Result<Header> read_header(const std::string& file, std::string_view line) {
  Header header;
  const std::vector<std::string> names = split(line, ',');
  std::set<std::string> seen;
  for (const std::string& each : names) {
    const std::string name(trim(each));
    if (!seen.insert(name).second) {
      return fail(ErrorKind::invalid, "{}:1: column \"{}\" is named twice", file, shorten(name));
    }
    const auto* found = std::find_if(std::begin(kColumns), std::end(kColumns),
                                     [&](const Column& column) { return name == column.name; });
    header.columns.push_back(found == std::end(kColumns) ? nullptr : found);
  }
  const auto type = std::find(names.begin(), names.end(), "type");
  if (type == names.end()) {
    return fail(ErrorKind::invalid, "{}:1: no column \"type\"; the first line names the columns",
                file);
  }
  header.type = static_cast<std::size_t>(type - names.begin());
  return header;
}

Result<InstanceType> read_row(const std::string& place, const Header& header, std::string_view line,
                              const Catalogue& base) {
  const std::vector<std::string> cells = split(line, ',');
  if (cells.size() != header.columns.size()) {
    return fail(ErrorKind::invalid, "{}: {} columns, the first line has {}", place, cells.size(),
                header.columns.size());
  }
  const std::string name(trim(cells[header.type]));
  if (name.empty()) {
    return fail(ErrorKind::invalid, "{}: the type has no name", place);
  }
  const auto known = base.find(name);
  InstanceType type = known == base.end() ? InstanceType{} : known->second;
  type.name = name;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    const Column* column = header.columns[i];
    const std::string cell(trim(cells[i]));
    if (column != nullptr && !cell.empty() && !column->put(type, cell)) {
      return fail(ErrorKind::invalid, "{}: {} is \"{}\"; it must be {}", place, column->name,
                  shorten(cell), column->words);
    }
  }
  if (type.accelerators > 0 && type.accelerator.empty()) {
    return fail(ErrorKind::invalid, "{}: {} accelerators without a name in column accelerator",
                place, type.accelerators);
  }
  return type;
}

/// `base` with a file's rows; `is_own`: the rows are the site's.
Result<Catalogue> read(const Catalogue& base, const SourceText& csv, bool is_own) {
  const std::vector<std::string> lines = split(csv.text, '\n');
  const auto header = read_header(csv.name, trim(lines.front()));
  if (!header) {
    return pass(header.error());
  }
  Catalogue catalogue = base;
  std::set<std::string> given;
  for (std::size_t i = 1; i < lines.size(); ++i) {
    const std::string_view line = trim(lines[i]);
    if (line.empty() || line.front() == '#') {
      continue;
    }
    const std::string place = fmt::format("{}:{}", csv.name, i + 1);
    auto type = read_row(place, *header, line, base);
    if (!type) {
      return pass(type.error());
    }
    if (!given.insert(type->name).second) {
      return fail(ErrorKind::invalid, "{}: type \"{}\" is given twice", place, shorten(type->name));
    }
    type->is_own = is_own;
    const std::string name = type->name;
    catalogue[name] = std::move(*type);
  }
  return catalogue;
}

}  // namespace

Result<Catalogue> extend_catalogue(const Catalogue& base, const SourceText& csv) {
  return read(base, csv, true);
}

std::string to_csv(const std::vector<InstanceType>& types) {
  std::string csv =
      "type,vcpus,memory_mib,accelerator,accelerators,accelerator_memory_mib,network_mbps,"
      "price_per_hour\n";
  for (const InstanceType& type : types) {
    csv += fmt::format("{},{},{},{},{},{},{},{}\n", type.name, type.vcpus, type.memory_mib,
                       type.accelerator, type.accelerators, type.accelerator_memory_mib,
                       type.network_mbps, type.price_per_hour);
  }
  return csv;
}

const Catalogue& builtin_catalogue() {
  // A test reads it: value() cannot fail in a program that was built.
  static const Catalogue kCatalogue =
      read({}, {"models/instance-types.csv", std::string(builtin::instance_types())}, false)
          .value();
  return kCatalogue;
}

Cost cost_of(const model::Cluster& cluster) {
  Cost cost;
  std::set<std::string> unpriced;
  for (const model::InstanceGroup& group : cluster.groups) {
    if (group.type.price_per_hour <= 0) {
      unpriced.insert(group.type.name);
      continue;
    }
    cost.per_hour += group.type.price_per_hour * group.count;
    cost.priced_nodes += group.count;
    cost.own_nodes += group.type.is_own ? group.count : 0;
  }
  cost.per_month = cost.per_hour * kHoursOfAMonth;
  cost.unpriced.assign(unpriced.begin(), unpriced.end());
  return cost;
}

}  // namespace provost::spec
