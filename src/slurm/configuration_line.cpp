#include "slurm/configuration_line.hpp"

#include <algorithm>
#include <array>
#include <cctype>

#include "base/text.hpp"

namespace provost::slurm {
namespace {

// Lines that come as often as they are needed, each about a thing of its own.
constexpr std::array<std::string_view, 8> kNamed = {"PartitionName", "NodeName",      "NodeSet",
                                                    "DownNodes",     "SlurmctldHost", "Include",
                                                    "SwitchName",    "Name"};

std::string without_comment(std::string_view line) {
  std::string kept;
  for (const char each : line) {
    if (each == '#' && (kept.empty() || kept.back() != '\\')) {
      break;
    }
    kept += each;
  }
  return std::string(trim(kept));
}

// Words apart at spaces, but for those between quotes.
std::vector<std::string> words(std::string_view text) {
  std::vector<std::string> found;
  std::string word;
  bool quoted = false;
  for (const char each : text) {
    if (each == '"') {
      quoted = !quoted;
    }
    if (!quoted && std::isspace(static_cast<unsigned char>(each)) != 0) {
      if (!word.empty()) {
        found.push_back(std::exchange(word, {}));
      }
    } else {
      word += each;
    }
  }
  if (!word.empty()) {
    found.push_back(std::move(word));
  }
  return found;
}

}  // namespace

bool same_name(std::string_view left, std::string_view right) {
  return left.size() == right.size() &&
         std::equal(left.begin(), left.end(), right.begin(), [](unsigned char a, unsigned char b) {
           return std::tolower(a) == std::tolower(b);
         });
}

const std::string* ConfigurationLine::find(std::string_view name) const {
  const auto found = std::find_if(fields.begin(), fields.end(),
                                  [&](const Field& field) { return same_name(field.first, name); });
  return found == fields.end() ? nullptr : &found->second;
}

bool ConfigurationLine::is_about(std::string_view name) const {
  return same_name(fields.front().first, name);
}

std::string ConfigurationLine::text() const {
  std::string all;
  for (const auto& [name, value] : fields) {
    all += all.empty() ? "" : " ";
    all.append(name).append(same_name(name, "Include") ? " " : "=").append(value);
  }
  return all;
}

std::string ConfigurationLine::key() const {
  const auto known = std::find_if(kNamed.begin(), kNamed.end(),
                                  [&](std::string_view name) { return is_about(name); });
  if (known == kNamed.end()) {
    return fields.front().first;
  }
  std::string key = std::string(*known) + "=" + fields.front().second;
  if (is_about("NodeName")) {  // gres.conf has one for each kind of resource
    for (const char* more : {"Name", "Type"}) {
      const std::string* value = find(more);
      if (value != nullptr) {
        key.append(" ").append(more).append("=").append(*value);
      }
    }
  }
  return key;
}

ConfigurationLine read_line(std::string_view text) {
  ConfigurationLine line;
  const std::vector<std::string> all = words(text);
  if (!all.empty() && same_name(all.front(), "Include")) {
    line.fields.emplace_back("Include", all.size() > 1 ? all[1] : "");
    return line;
  }
  for (const std::string& word : all) {
    const std::size_t equals = word.find('=');
    line.fields.emplace_back(word.substr(0, equals),
                             equals == std::string::npos ? "" : word.substr(equals + 1));
  }
  return line;
}

std::vector<ConfigurationLine> read_lines(const std::string& text) {
  std::vector<ConfigurationLine> lines;
  std::string said;
  std::size_t begin = 0;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t break_at = std::min(text.find('\n', at), text.size());
    const std::size_t next = std::min(break_at + 1, text.size());
    said += without_comment(std::string_view(text).substr(at, break_at - at));
    const bool continues = !said.empty() && said.back() == '\\';
    if (continues) {
      said.back() = ' ';
    } else {
      if (!trim(said).empty()) {
        lines.push_back(read_line(said));
        lines.back().begin = begin;
        lines.back().end = next;
      }
      said.clear();
      begin = next;
    }
    at = next;
  }
  return lines;
}

}  // namespace provost::slurm
