#include "slurm/edits.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "base/text.hpp"
#include "slurm/configuration_line.hpp"
#include "slurm/hostlist.hpp"

namespace provost::slurm {
namespace {

std::vector<std::string> hosts(const std::string& list) {
  return expand(list == "\"\"" ? "" : list).value_or(std::vector<std::string>{list});
}

std::string host_list(const std::vector<std::string>& names) {
  return names.empty() ? "\"\"" : compress(names);
}

void set_field(ConfigurationLine& line, const std::string& name, const std::string& value) {
  for (Field& field : line.fields) {
    if (same_name(field.first, name)) {
      field.second = value;
      return;
    }
  }
  line.fields.emplace_back(name, value);
}

// Fields that have as many hosts as their line has nodes, one for each.
bool is_of_each(const Field& field) {
  return same_name(field.first, "NodeName") || same_name(field.first, "NodeAddr") ||
         same_name(field.first, "NodeHostname");
}

// A line over several nodes as lines of one node each.
std::vector<ConfigurationLine> node_by_node(const ConfigurationLine& line) {
  std::vector<ConfigurationLine> lines(hosts(line.fields.front().second).size(), line);
  for (std::size_t field = 0; field < line.fields.size(); ++field) {
    const auto each = hosts(line.fields[field].second);
    for (std::size_t i = 0; is_of_each(line.fields[field]) && i < lines.size(); ++i) {
      lines[i].fields[field].second = each[each.size() == lines.size() ? i : 0];
    }
  }
  return lines;
}

// Lines that differ only in their node, in their order, as one.
ConfigurationLine together(const std::vector<ConfigurationLine>& lines) {
  ConfigurationLine whole = lines.front();
  for (std::size_t field = 0; field < whole.fields.size(); ++field) {
    std::vector<std::string> each;
    each.reserve(lines.size());
    for (const ConfigurationLine& line : lines) {
      each.push_back(line.fields[field].second);
    }
    if (is_of_each(whole.fields[field])) {
      whole.fields[field].second = compress_in_order(each);
    }
  }
  return whole;
}

// What it says of whatever node it is about.
ConfigurationLine without_node(ConfigurationLine line) {
  for (Field& field : line.fields) {
    if (is_of_each(field)) {
      field.second.clear();
    }
  }
  return line;
}

// The lines of one file by key. A line over several nodes stands once for each of them; of a
// setting that is said twice the last counts.
using Keyed = std::vector<std::pair<std::string, ConfigurationLine>>;

void keep(Keyed& all, std::map<std::string, std::size_t>& places, ConfigurationLine line) {
  const auto [place, is_new] = places.emplace(line.key(), all.size());
  if (is_new) {
    all.emplace_back(place->first, std::move(line));
  } else {
    all[place->second].second = std::move(line);
  }
}

Keyed keyed(const std::string& text) {
  Keyed all;
  std::map<std::string, std::size_t> places;
  for (const ConfigurationLine& line : read_lines(text)) {
    if (!line.is_about("NodeName")) {
      keep(all, places, line);
      continue;
    }
    for (ConfigurationLine& one : node_by_node(line)) {
      keep(all, places, std::move(one));
    }
  }
  return all;
}

// Two lines that say the same, in whatever order and however their hosts are written.
bool says_the_same(const ConfigurationLine& left, const ConfigurationLine& right) {
  const auto plain = [](const ConfigurationLine& line) {
    std::map<std::string, std::string> fields;
    for (const auto& [name, value] : line.fields) {
      std::string lower = name;
      std::transform(lower.begin(), lower.end(), lower.begin(),
                     [](unsigned char each) { return static_cast<char>(std::tolower(each)); });
      auto names = lower == "nodes" ? hosts(value) : std::vector<std::string>{value};
      std::sort(names.begin(), names.end());
      fields[lower] = join(names, ",");
    }
    return fields;
  };
  return plain(left) == plain(right);
}

std::string nodes_by_hand(const std::string& before, const std::string& after,
                          const std::string& made) {
  const auto was = hosts(before);
  const auto is = hosts(after);
  const auto has = [](const std::vector<std::string>& all, const std::string& name) {
    return std::find(all.begin(), all.end(), name) != all.end();
  };
  if (has(was, "ALL") || has(is, "ALL") || has(hosts(made), "ALL")) {
    return after;
  }
  std::vector<std::string> merged;
  for (const std::string& name : hosts(made)) {
    if (has(is, name) || !has(was, name)) {
      merged.push_back(name);  // not taken away by hand
    }
  }
  for (const std::string& name : is) {
    if (!has(was, name) && !has(merged, name)) {
      merged.push_back(name);
    }
  }
  return host_list(merged);
}

// What was done by hand to `edit.before`, done to the line as it is made now.
ConfigurationLine edited(ConfigurationLine line, const Edit& edit) {
  const ConfigurationLine before = read_line(edit.before);
  const ConfigurationLine after = read_line(edit.after);
  for (const auto& [name, value] : after.fields) {
    const std::string* was = edit.before.empty() ? nullptr : before.find(name);
    const std::string* made = line.find(name);
    if (was != nullptr && *was == value) {
      continue;
    }
    if (same_name(name, "Nodes") && was != nullptr && made != nullptr) {
      set_field(line, name, nodes_by_hand(*was, value, *made));
    } else {
      set_field(line, name, value);
    }
  }
  if (!edit.before.empty()) {
    for (const auto& [name, value] : before.fields) {
      if (after.find(name) == nullptr) {
        std::erase_if(line.fields,
                      [&, &key = name](const Field& field) { return same_name(field.first, key); });
      }
    }
  }
  return line;
}

// The edits of one file while its lines are made anew.
class Merging {
 public:
  Merging(const std::string& file, const std::vector<Edit>& edits) {
    for (const Edit& edit : edits) {
      if (edit.file == file) {
        by_key_[edit.key] = &edit;
      }
    }
  }

  std::string merge(const std::string& made) {
    if (by_key_.empty()) {
      return made;
    }
    const Keyed lines = keyed(made);
    note_nodes(lines);
    std::string text;
    std::size_t done = 0;
    for (const ConfigurationLine& line : read_lines(made)) {
      text += made.substr(done, line.begin - done);
      done = line.end;
      text += anew(line, made.substr(line.begin, line.end - line.begin));
    }
    text += made.substr(done);
    return text + added();
  }

 private:
  void note_nodes(const Keyed& lines) {
    for (const auto& [key, line] : lines) {
      if (line.is_about("NodeName") || line.is_about("NodeSet")) {
        nodes_.insert(line.fields.front().second);
      }
    }
    for (const auto& [key, edit] : by_key_) {
      const ConfigurationLine line =
          edit->after.empty() ? ConfigurationLine{} : read_line(edit->after);
      if (!line.fields.empty() && (line.is_about("NodeName") || line.is_about("NodeSet"))) {
        nodes_.insert(line.fields.front().second);
      }
    }
  }

  std::string anew(const ConfigurationLine& line, const std::string& as_made) {
    if (line.is_about("NodeName")) {
      return nodes_anew(line, as_made);
    }
    const auto found = by_key_.find(line.key());
    if (found == by_key_.end()) {
      return as_made;
    }
    const Edit& edit = *found->second;
    used_.insert(found->first);
    if (edit.after.empty()) {
      return line.is_about("PartitionName") ? as_made : "";
    }
    return text_of(edited(line, edit));
  }

  // Nodes of one line that were not all edited alike get lines of their own.
  std::string nodes_anew(const ConfigurationLine& line, const std::string& as_made) {
    std::vector<std::vector<ConfigurationLine>> alike;
    bool any = false;
    for (ConfigurationLine& one : node_by_node(line)) {
      const auto found = by_key_.find(one.key());
      if (found != by_key_.end() && !found->second->after.empty()) {
        one = edited(one, *found->second);
        any = true;
      }
      if (found != by_key_.end()) {
        used_.insert(found->first);
      }
      const auto same = std::find_if(alike.begin(), alike.end(), [&](const auto& each) {
        return says_the_same(without_node(each.front()), without_node(one));
      });
      if (same == alike.end()) {
        alike.push_back({std::move(one)});
      } else {
        same->push_back(std::move(one));
      }
    }
    if (!any) {
      return as_made;
    }
    std::string text;
    for (const std::vector<ConfigurationLine>& lines : alike) {
      text += text_of(together(lines));
    }
    return text;
  }

  std::string added() {
    std::string text;
    for (const auto& [key, edit] : by_key_) {
      if (!used_.contains(key) && !edit->after.empty()) {
        text += text_of(read_line(edit->after));
      }
    }
    return text.empty() ? text : "\n# Added by hand.\n" + text;
  }

  // A partition's hosts that there are not would end slurmctld.
  std::string text_of(ConfigurationLine line) const {
    const std::string* list = line.is_about("PartitionName") ? line.find("Nodes") : nullptr;
    if (list != nullptr) {
      std::vector<std::string> kept = hosts(*list);
      std::erase_if(
          kept, [&](const std::string& name) { return name != "ALL" && !nodes_.contains(name); });
      set_field(line, "Nodes", host_list(kept));
    }
    return line.text() + "\n";
  }

  std::map<std::string, const Edit*> by_key_;
  std::set<std::string> nodes_;
  std::set<std::string> used_;
};

void compare(const std::string& file, const std::string& made, const std::string& found,
             std::vector<Edit>& edits) {
  const Keyed before = keyed(made);
  const Keyed after = keyed(found);
  std::map<std::string, const ConfigurationLine*> known;
  for (const auto& [key, line] : after) {
    known[key] = &line;
  }
  std::set<std::string> seen;
  for (const auto& [key, line] : before) {
    seen.insert(key);
    const auto now = known.find(key);
    if (now == known.end()) {
      edits.push_back({file, key, line.text(), ""});
    } else if (!says_the_same(line, *now->second)) {
      edits.push_back({file, key, line.text(), now->second->text()});
    }
  }
  for (const auto& [key, line] : after) {
    if (seen.insert(key).second) {
      edits.push_back({file, key, "", known.at(key)->text()});
    }
  }
}

std::string words_of(const Edit& edit) {
  if (edit.before.empty()) {
    return "+ " + edit.after;
  }
  if (edit.after.empty()) {
    return "- " + edit.key;
  }
  const ConfigurationLine before = read_line(edit.before);
  const ConfigurationLine after = read_line(edit.after);
  std::vector<std::string> parts;
  for (const auto& [name, value] : after.fields) {
    const std::string* was = before.find(name);
    if (was == nullptr) {
      parts.push_back(fmt::format("{}={} added", name, value));
    } else if (*was != value) {
      parts.push_back(fmt::format("{}={} instead of {}", name, value, *was));
    }
  }
  for (const auto& [name, value] : before.fields) {
    if (after.find(name) == nullptr) {
      parts.push_back(fmt::format("{}={} taken away", name, value));
    }
  }
  return fmt::format("{}: {}", edit.key, join(parts, ", "));
}

constexpr char kBetween = '\x1f';

}  // namespace

std::vector<Edit> edits(const Files& made, const Files& found) {
  std::vector<Edit> all;
  for (const auto& [name, text] : made) {
    const auto other =
        std::find_if(found.begin(), found.end(),
                     [&, &file = name](const auto& each) { return each.first == file; });
    compare(name, text, other == found.end() ? "" : other->second, all);
  }
  return all;
}

Files merge(const Files& made, const std::vector<Edit>& edits) {
  Files merged = made;
  for (auto& [name, text] : merged) {
    text = Merging(name, edits).merge(text);
  }
  return merged;
}

std::vector<Edit> compose(const std::vector<Edit>& first, const std::vector<Edit>& second) {
  std::vector<Edit> all = first;
  for (const Edit& edit : second) {
    const auto known = std::find_if(all.begin(), all.end(), [&](const Edit& each) {
      return each.file == edit.file && each.key == edit.key;
    });
    if (known == all.end()) {
      all.push_back(edit);
    } else {
      known->after = edit.after;
    }
  }
  std::erase_if(all, [](const Edit& edit) { return edit.before == edit.after; });
  return all;
}

std::vector<std::string> to_words(const std::vector<Edit>& edits) {
  std::vector<std::string> lines;
  std::map<std::string, std::vector<std::string>> nodes;  // by what was done to them
  for (const Edit& edit : edits) {
    const ConfigurationLine line = read_line(edit.after.empty() ? edit.before : edit.after);
    if (!line.is_about("NodeName")) {
      lines.push_back(edit.file + ": " + words_of(edit));
      continue;
    }
    const std::string& name = line.fields.front().second;
    std::string words = words_of(edit);
    for (std::size_t at = words.find(name); at != std::string::npos;
         at = words.find(name, at + 1)) {
      words.replace(at, name.size(), "\x01");
    }
    nodes[edit.file + ": " + words].push_back(name);
  }
  for (const auto& [words, names] : nodes) {
    std::string line = words;
    for (std::size_t at = line.find('\x01'); at != std::string::npos; at = line.find('\x01')) {
      line.replace(at, 1, compress(names));
    }
    lines.push_back(std::move(line));
  }
  return lines;
}

std::string encode(const std::vector<Edit>& edits) {
  std::string text;
  for (const Edit& edit : edits) {
    text += edit.file + kBetween + edit.key + kBetween + edit.before + kBetween + edit.after + "\n";
  }
  return text;
}

std::vector<Edit> decode_edits(const std::string& text) {
  std::vector<Edit> edits;
  for (const std::string& line : split(text, '\n')) {
    const auto parts = split(line, kBetween);
    if (parts.size() == 4) {
      edits.push_back({parts[0], parts[1], parts[2], parts[3]});
    }
  }
  return edits;
}

}  // namespace provost::slurm
