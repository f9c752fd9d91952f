#include "slurm/hostlist.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "base/text.hpp"

namespace provost::slurm {
namespace {

constexpr std::size_t kMostNames = 65'536;

struct Numbered {
  std::string stem;
  std::optional<std::int64_t> number;  // absent: the whole name is the stem
};

Numbered take_apart(const std::string& name) {
  const std::size_t last = name.find_last_not_of("0123456789");
  const std::size_t begin = last == std::string::npos ? 0 : last + 1;
  const std::string digits = name.substr(begin);
  const bool padded = digits.size() > 1 && digits.front() == '0';
  if (digits.empty() || digits.size() > 9 || padded) {
    return {name, std::nullopt};
  }
  return {name.substr(0, begin), to_number(digits)};
}

std::string ranges(std::vector<std::int64_t> numbers) {
  std::sort(numbers.begin(), numbers.end());
  numbers.erase(std::unique(numbers.begin(), numbers.end()), numbers.end());
  std::vector<std::string> parts;
  for (std::size_t begin = 0; begin < numbers.size();) {
    std::size_t end = begin;
    while (end + 1 < numbers.size() && numbers[end + 1] == numbers[end] + 1) {
      ++end;
    }
    parts.push_back(begin == end ? fmt::format("{}", numbers[begin])
                                 : fmt::format("{}-{}", numbers[begin], numbers[end]));
    begin = end + 1;
  }
  const bool alone = parts.size() == 1 && parts.front().find('-') == std::string::npos;
  return alone ? parts.front() : "[" + join(parts, ",") + "]";
}

// Cuts at the commas that stand outside brackets.
Result<std::vector<std::string>> cut(std::string_view list) {
  std::vector<std::string> parts(1);
  bool inside = false;
  for (const char each : list) {
    if ((each == '[' && inside) || (each == ']' && !inside)) {
      return fail(ErrorKind::invalid, "brackets do not match in host list \"{}\"", shorten(list));
    }
    inside = each == '[' || (inside && each != ']');
    if (each == ',' && !inside) {
      parts.emplace_back();
    } else {
      parts.back() += each;
    }
  }
  if (inside) {
    return fail(ErrorKind::invalid, "a bracket is not closed in host list \"{}\"", shorten(list));
  }
  return parts;
}

Status append_range(std::vector<std::string>& names, const std::string& range,
                    const std::string& before, const std::string& after) {
  const std::vector<std::string> ends = split(range, '-');
  const auto first = to_number(ends.front());
  const auto last = to_number(ends.back());
  if (ends.size() > 2 || !first || !last || *last < *first) {
    return fail(ErrorKind::invalid, "\"{}\" is no range of a host list", shorten(range));
  }
  if (*last - *first >= static_cast<std::int64_t>(kMostNames - names.size())) {
    return fail(ErrorKind::limit, "a host list of more than {} names", kMostNames);
  }
  const std::size_t width = ends.front().size();
  for (std::int64_t number = *first; number <= *last; ++number) {
    names.push_back(fmt::format("{}{:0{}}{}", before, number, width, after));
  }
  return {};
}

}  // namespace

std::string compress(const std::vector<std::string>& names) {
  std::vector<std::pair<std::string, std::vector<std::int64_t>>> stems;  // no numbers: a whole name
  std::map<std::string, std::size_t> places;
  for (const std::string& name : names) {
    const Numbered parts = take_apart(name);
    const std::string key = parts.stem + (parts.number ? "#" : "");
    const auto [place, fresh] = places.emplace(key, stems.size());
    if (fresh) {
      stems.emplace_back(parts.stem, std::vector<std::int64_t>{});
    }
    if (parts.number) {
      stems[place->second].second.push_back(*parts.number);
    }
  }
  std::vector<std::string> written;
  written.reserve(stems.size());
  for (auto& [stem, numbers] : stems) {
    written.push_back(numbers.empty() ? stem : stem + ranges(std::move(numbers)));
  }
  return join(written, ",");
}

std::string compress_in_order(const std::vector<std::string>& names) {
  std::vector<std::string> written;
  for (std::size_t begin = 0; begin < names.size();) {
    const Numbered first = take_apart(names[begin]);
    std::size_t end = begin + 1;
    for (; first.number && end < names.size(); ++end) {
      const Numbered next = take_apart(names[end]);
      const auto wanted = *first.number + static_cast<std::int64_t>(end - begin);
      if (!next.number || next.stem != first.stem || *next.number != wanted) {
        break;
      }
    }
    const auto last = first.number.value_or(0) + static_cast<std::int64_t>(end - begin) - 1;
    written.push_back(end == begin + 1 ? names[begin]
                                       : fmt::format("{}[{}-{}]", first.stem, *first.number, last));
    begin = end;
  }
  return join(written, ",");
}

Result<std::vector<std::string>> expand(std::string_view list) {
  std::vector<std::string> names;
  if (list.empty() || list == "(null)") {
    return names;
  }
  const auto parts = cut(list);
  if (!parts) {
    return pass(parts.error());
  }
  for (const std::string& part : *parts) {
    const std::size_t open = part.find('[');
    if (open == std::string::npos) {
      names.push_back(part);
      continue;
    }
    const std::size_t close = part.find(']');
    if (part.find('[', close) != std::string::npos) {
      return fail(ErrorKind::invalid, "more than one bracket in \"{}\"", shorten(part));
    }
    for (const std::string& range : split(part.substr(open + 1, close - open - 1), ',')) {
      if (Status appended =
              append_range(names, range, part.substr(0, open), part.substr(close + 1));
          !appended) {
        return pass(appended.error());
      }
    }
  }
  if (names.size() > kMostNames) {
    return fail(ErrorKind::limit, "a host list of more than {} names", kMostNames);
  }
  return names;
}

}  // namespace provost::slurm
