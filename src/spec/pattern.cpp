#include "spec/pattern.hpp"

#include <algorithm>
#include <array>

#include "model/limits.hpp"

namespace provost::spec {
namespace {

/// API: `[a-zA-Z0-9](-*[a-zA-Z0-9])*`
bool is_name(std::string_view text) {
  return !text.empty() && only_letters_digits_and(text, "-") && text.front() != '-' &&
         text.back() != '-';
}

/// API: `(https|s3)://([^/]+)/?(.*)`; the bucket itself is a rule's matter.
bool is_s3_uri(std::string_view text) {
  const std::size_t scheme = text.find("://");
  const std::string_view name = text.substr(0, scheme);
  return scheme != std::string_view::npos && (name == "s3" || name == "https") &&
         text.size() > scheme + 3 && text[scheme + 3] != '/';
}

/// API: `([\p{L}\p{Z}\p{N}_.:/=+\-@]*)`; beyond ASCII everything is taken for a letter.
bool is_tag(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    return is_letter_or_digit(c) || static_cast<unsigned char>(c) >= 0x80 ||
           std::string_view(" _.:/=+-@").find(c) != std::string_view::npos;
  });
}

bool is_currency(std::string_view text) {
  return text.size() == 3 &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
}

bool is_lower_name(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return is_lower(c) || is_digit(c) || c == '-' || c == '_'; });
}

/// Source: useradd(8), NAME_REGEX of Debian's adduser.conf(5).
bool is_user(std::string_view text) {
  return !text.empty() && is_lower_name(text) && (is_lower(text[0]) || text[0] == '_');
}

/// sacctmgr(1) folds account names to lower case and takes commas and blanks for separators.
bool is_department(std::string_view text) {
  return !text.empty() && is_lower_name(text) && (is_lower(text[0]) || is_digit(text[0]));
}

bool is_duration(std::string_view text) { return model::read_duration(text) > 0; }
bool is_memory(std::string_view text) { return model::read_memory(text) > 0; }

/// "25%", "12.5%"
bool is_percent(std::string_view text) {
  static const Regex kPercent("(100|[0-9]{1,2})(\\.[0-9]{1,2})?%");
  return kPercent.matches(text) && (text.substr(0, 3) != "100" || text == "100%");
}

/// NVIDIA's MIG profiles: compute slices and memory.
bool is_mig_profile(std::string_view text) {
  static const Regex kProfile("[1-7]g\\.[0-9]{1,3}gb");
  return kProfile.matches(text);
}

bool is_every(std::string_view text) {
  static const Regex kEvery(
      "(day|(Mon|Tue|Wed|Thu|Fri|Sat|Sun)(,(Mon|Tue|Wed|Thu|Fri|Sat|Sun))*) "
      "([01][0-9]|2[0-3]):[0-5][0-9]-([01][0-9]|2[0-3]):[0-5][0-9]");
  return kEvery.matches(text);
}

bool is_time_zone(std::string_view text) {
  static const Regex kZone("[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9][A-Za-z0-9_+-]*){0,2}");
  return kZone.matches(text);
}

constexpr std::array kPatterns = {
    Pattern{"duration", is_duration, "a time as in \"90m\", \"12h\", \"3d\" or \"1d12h\", not 0"},
    Pattern{"memory", is_memory, "an amount as in \"512M\", \"64G\" or \"2T\", not 0"},
    Pattern{"percent", is_percent, "a part as in \"25%\", at most 100%"},
    Pattern{"mig-profile", is_mig_profile, "a profile of MIG as in \"3g.40gb\""},
    Pattern{"every", is_every,
            "days and times as in \"Tue,Thu 14:00-17:00\" or \"day 04:00-04:30\""},
    Pattern{"time-zone", is_time_zone, "a time zone's name as in \"Asia/Ho_Chi_Minh\""},
    Pattern{"name", is_name, "letters, digits and hyphens, with a letter or digit at both ends"},
    Pattern{"s3-uri", is_s3_uri, "s3://bucket/prefix or https://bucket/prefix"},
    Pattern{"tag", is_tag, "letters, digits, spaces and _ . : / = + - @"},
    Pattern{"currency", is_currency, "three capital letters, as in USD"},
    Pattern{"user", is_user, "small letters, digits, - and _, beginning with a small letter or _"},
    Pattern{"department", is_department,
            "small letters, digits, - and _, beginning with a small letter or digit"},
};

}  // namespace

const re2::RE2& Regex::compiled() const {
  std::call_once(once_, [this] { compiled_ = std::make_unique<re2::RE2>(text_, re2::RE2::Quiet); });
  return *compiled_;
}

bool Regex::matches(std::string_view text) const {
  return re2::RE2::FullMatch(re2::StringPiece(text.data(), text.size()), compiled());
}

bool Regex::is_sound() const { return compiled().ok(); }

const Pattern* pattern_named(std::string_view name) {
  const auto* found = std::find_if(kPatterns.begin(), kPatterns.end(),
                                   [&](const Pattern& pattern) { return pattern.name == name; });
  return found == kPatterns.end() ? nullptr : found;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_letter_or_digit(char c) { return is_digit(c) || is_lower(c) || (c >= 'A' && c <= 'Z'); }

std::string lower_case(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return out;
}

bool only_letters_digits_and(std::string_view text, std::string_view others) {
  return std::all_of(text.begin(), text.end(), [&](char c) {
    return is_letter_or_digit(c) || others.find(c) != std::string_view::npos;
  });
}

}  // namespace provost::spec
