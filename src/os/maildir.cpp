#include "os/maildir.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <ctime>

#include "base/log.hpp"
#include "base/text.hpp"
#include "os/files.hpp"

namespace provost::os {
namespace {

constexpr std::size_t kLargest = 1U << 20U;
constexpr std::array kFolders{"new", "cur"};

// A header's value on one line, in ASCII (RFC 2047 for the rest).
std::string header(std::string_view value) {
  std::string line;
  bool plain = true;
  for (const char each : value) {
    const auto byte = static_cast<unsigned char>(each);
    line += byte < 0x20U || byte == 0x7FU ? ' ' : each;
    plain = plain && byte < 0x80U;
  }
  return plain ? line : "=?UTF-8?B?" + to_base64(line) + "?=";
}

std::string plain(std::string_view value) {
  constexpr std::string_view kBegin = "=?UTF-8?B?";
  constexpr std::string_view kEnd = "?=";
  const std::size_t at = value.find(kBegin);
  const std::size_t end = value.find(kEnd, at == std::string_view::npos ? 0 : at + kBegin.size());
  if (at == std::string_view::npos || end == std::string_view::npos) {
    return std::string(value);
  }
  const auto text = from_base64(value.substr(at + kBegin.size(), end - at - kBegin.size()));
  if (!text) {
    return std::string(value);
  }
  std::string line(value.substr(0, at));
  line += *text;
  line += value.substr(end + kEnd.size());
  return line;
}

// "Minh Nguyen <minh>": the name may need encoding, the address never.
std::string address(const std::string& who) {
  const std::size_t at = who.rfind(" <");
  if (at == std::string::npos) {
    return header(who);
  }
  std::string line = header(who.substr(0, at));
  line += header(who.substr(at));
  return line;
}

std::string rfc_date(UtcTime time) {
  const std::time_t seconds = to_millis(time) / 1000;
  return fmt::format("{:%a, %d %b %Y %H:%M:%S} +0000", fmt::gmtime(seconds));
}

// A letter's file begins with its time: "1772366400000.idle-…".
std::int64_t time_of(const std::string& name) {
  return to_number(name.substr(0, name.find('.'))).value_or(0);
}

std::vector<std::pair<std::string, std::string>> files_of(const std::string& maildir) {
  std::vector<std::pair<std::string, std::string>> files;  // name, path
  for (const char* folder : kFolders) {
    const std::string directory = fmt::format("{}/{}", maildir, folder);
    for (const std::string& name : list_directory(directory)) {
      files.emplace_back(name, fmt::format("{}/{}", directory, name));
    }
  }
  return files;
}

}  // namespace

std::string to_message(const Letter& letter) {
  std::string message = fmt::format(
      "Date: {}\nFrom: {}\nTo: {}\nSubject: {}\nMIME-Version: 1.0\n"
      "Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n"
      "Auto-Submitted: auto-generated\n\n",
      rfc_date(letter.time), address(letter.from), address(letter.to), header(letter.subject));
  return message + letter.text + (letter.text.ends_with('\n') ? "" : "\n");
}

Letter from_message(std::string_view message) {
  Letter letter;
  const std::size_t body = message.find("\n\n");
  for (const std::string& line : split(message.substr(0, body), '\n')) {
    const std::size_t colon = line.find(": ");
    if (colon == std::string::npos) {
      continue;
    }
    const std::string name = line.substr(0, colon);
    const std::string value = plain(line.substr(colon + 2));
    letter.from = name == "From" ? value : letter.from;
    letter.to = name == "To" ? value : letter.to;
    letter.subject = name == "Subject" ? value : letter.subject;
  }
  letter.text = body == std::string_view::npos ? "" : std::string(message.substr(body + 2));
  return letter;
}

Status deliver(const std::string& maildir, const Letter& letter) {
  for (const char* folder : {"tmp", "new", "cur"}) {
    if (Status made = make_directories(maildir + "/" + folder, 0700); !made) {
      return made;
    }
  }
  return write_file(fmt::format("{}/new/{}.{}", maildir, to_millis(letter.time), letter.name),
                    to_message(letter), 0600);
}

std::vector<Letter> letters(const std::string& maildir, std::size_t most) {
  auto files = files_of(maildir);
  std::sort(files.begin(), files.end(), [](const auto& left, const auto& right) {
    return std::pair(time_of(left.first), left.first) >
           std::pair(time_of(right.first), right.first);
  });
  std::vector<Letter> found;
  for (const auto& [name, path] : files) {
    if (found.size() == most) {
      break;
    }
    if (const auto message = read_file(path, kLargest)) {
      found.push_back(from_message(*message));
      found.back().name = name;
      found.back().time = from_millis(time_of(name));
    }
  }
  return found;
}

void forget_letters(const std::string& maildir, UtcTime before) {
  for (const auto& [name, path] : files_of(maildir)) {
    if (time_of(name) > 0 && time_of(name) < to_millis(before) && ::unlink(path.c_str()) != 0) {
      log::warning("os", "cannot take away {}", path);
    }
  }
}

}  // namespace provost::os
