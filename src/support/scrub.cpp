#include "support/scrub.hpp"

#include <fmt/format.h>
#include <re2/re2.h>

#include <algorithm>
#include <memory>

#include "base/text.hpp"

namespace provost::support {
namespace {

// Part of a field's name that says its value is secret.
constexpr const char* kField =
    R"([A-Za-z0-9_.-]*(?:passw(?:or)?d|passphrase|secret|token|api[_.-]?key|access[_.-]?key|private[_.-]?key|munge[_.-]?key|ssh[_.-]?key|encryption[_.-]?key|auth[_.-]?key|credential|storagepass|dbpass|[_.-]pass|pwd)[A-Za-z0-9_.-]*)";

struct Rule {
  std::unique_ptr<RE2> pattern;
  const char* replacement;
};

// FIELD stands for kField. Bytes, not characters: a log may hold anything.
std::vector<Rule> make_rules() {
  const std::vector<std::pair<const char*, const char*>> texts = {
      // Whole blocks, also with a log's prefix before each line; then blocks that were cut.
      {R"((?s)-----BEGIN [A-Z0-9 ]{1,40}-----.*?-----END [A-Z0-9 ]{1,40}-----)", "[removed: PEM]"},
      {R"(-----BEGIN [A-Z0-9 ]{1,40}-----(?:[^\n]*\n?){0,60})", "[removed: PEM]\n"},
      {R"((?:[^\n]*[A-Za-z0-9+/]{40,}={0,2}\r?\n)*(?:[^\n]*?[A-Za-z0-9+/]{4,}={0,2}\r?\n)?[^\n]*-----END [A-Z0-9 ]{1,40}-----)",
       "[removed: PEM]"},
      {R"((?i)(authorization\\?["']?\s*[:=]\s*)[^\n]+)", R"(\1[removed])"},
      {R"((?i)\bbearer\s+[A-Za-z0-9._~+/=-]{8,})", "Bearer [removed]"},
      {R"(([A-Za-z][A-Za-z0-9+.-]*://[^\s:/@"']*):[^\s/@"']+@)", R"(\1:[removed]@)"},
      // "field": value, in JSON, also JSON within a JSON text, and in Python's or YAML's quotes.
      {R"((?i)(\\"FIELD\\"\s*[:=]\s*)\\".*?\\")", R"(\1\\"[removed]\\")"},
      {R"((?i)("FIELD"\s*[:=]\s*)(?:"(?:[^"\\\n]|\\.)*"|\[[^\]]*\]|[^\s,{}\[\]"']+))",
       R"(\1"[removed]")"},
      {R"((?i)('FIELD'\s*[:=]\s*)(?:'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|\[[^\]]*\]|[^\s,{}\[\]"']+))",
       R"(\1'[removed]')"},
      // field="value", field = value to the end of the line, field=value to the next blank.
      {R"((?i)(FIELD\s*[:=]\s*)(?:"(?:[^"\\\n]|\\.)*"|'[^'\n]*'))", R"(\1"[removed]")"},
      {R"((?i)(FIELD[ \t]+=[ \t]+|FIELD:[ \t]+)[^\s"'\[][^\n]*)", R"(\1[removed])"},
      {R"((?i)(FIELD=)[^\s"'\[][^\s]*)", R"(\1[removed])"},
      {R"((?i)((?:^|[\s;&?,])(?:db)?pass=)[^\s\[][^\s]*)", R"(\1[removed])"},
      {R"((?i)(<FIELD>)[^<\n]*)", R"(\1[removed])"},
      {R"((?i)(--?(?:FIELD|pass)\s+)(?:"[^"\n]*"|'[^'\n]*'|[^\s"'\[-][^\s]*))", R"(\1[removed])"},
      {R"((?i)(\b(?:login|user)\s+\S+\s+password\s+)\S+)", R"(\1[removed])"},
      {R"((?i)(identified\s+(?:via\s+\S+\s+using\s+|with\s+\S+\s+(?:by|as)\s+|by\s+)(?:password\s*\(?\s*)?)(?:'[^'\n]*'|"[^"\n]*"))",
       R"(\1'[removed]')"},
      {R"(((?:mysql|mariadb)[a-z-]*\b[^\n]*\s-p)[^\s\[]\S*)", R"(\1[removed])"},
      {R"([^\n]*\bchpasswd\b[^\n]*)", "[removed: a line with chpasswd]"},
      // Tokens by their form.
      {R"(\b(?:AKIA|ASIA)[A-Z0-9]{16}\b)", "[removed]"},
      {R"(\b(?:gh[pousr]_|github_pat_|glpat-|hf_|sk-|xox[abprs]-|pvt_|AIza)[A-Za-z0-9_-]{16,})",
       "[removed]"},
      {R"(\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*)", "[removed]"},
      {R"(\$(?:1|5|6|7|y|gy|2[aby])\$[./A-Za-z0-9$=,]{12,})", "[removed]"},
  };
  RE2::Options options(RE2::Latin1);
  options.set_log_errors(false);
  std::vector<Rule> rules;
  for (const auto& [text, replacement] : texts) {
    std::string pattern = text;
    constexpr std::string_view kMark = "FIELD";
    for (std::size_t at = pattern.find(kMark); at != std::string::npos;
         at = pattern.find(kMark, at + 1)) {
      pattern.replace(at, kMark.size(), kField);
    }
    // ^ is the beginning of a line where it is used at all.
    rules.push_back({std::make_unique<RE2>("(?m)" + pattern, options), replacement});
  }
  return rules;
}

bool is_base64(unsigned char each) { return std::isalnum(each) != 0 || each == '+' || each == '/'; }

/// A key or a certificate's body; not a path, a word, a number, or a public key of SSH.
bool looks_random(std::string_view run) {
  constexpr std::size_t kShortest = 60;
  if (run.size() < kShortest || run.starts_with("AAAA")) {
    return false;
  }
  const auto has = [&](auto&& kind) {
    return std::any_of(run.begin(), run.end(), [&](unsigned char each) { return kind(each) != 0; });
  };
  const auto slashes = std::count(run.begin(), run.end(), '/');
  return has([](int each) { return std::isupper(each); }) &&
         has([](int each) { return std::islower(each); }) &&
         has([](int each) { return std::isdigit(each); }) &&
         static_cast<std::size_t>(slashes) * 8 < run.size();
}

std::string without_long_base64(std::string_view text) {
  std::string kept;
  kept.reserve(text.size());
  std::size_t at = 0;
  while (at < text.size()) {
    std::size_t end = at;
    while (end < text.size() && is_base64(static_cast<unsigned char>(text[end]))) {
      ++end;
    }
    const std::string_view run = text.substr(at, end - at);
    if (looks_random(run)) {
      kept += kRemoved;
      while (end < text.size() && text[end] == '=') {
        ++end;
      }
    } else {
      kept += run;
    }
    if (end == at) {
      kept += text[end++];
    }
    at = end;
  }
  return kept;
}

void remove_all(std::string& text, const std::string& secret) {
  constexpr std::size_t kShortest = 6;  // shorter ones are in every text
  if (secret.size() < kShortest) {
    return;
  }
  for (std::size_t at = text.find(secret); at != std::string::npos;
       at = text.find(secret, at + kRemoved.size())) {
    text.replace(at, secret.size(), kRemoved);
  }
}

}  // namespace

std::string scrub(std::string_view text, const std::vector<std::string>& known) {
  static const std::vector<Rule> kRules = make_rules();
  std::string kept(text);
  for (const std::string& secret : known) {
    remove_all(kept, secret);
    remove_all(kept, to_hex(secret));
    remove_all(kept, to_base64(secret));
  }
  for (const Rule& rule : kRules) {
    RE2::GlobalReplace(&kept, *rule.pattern, rule.replacement);
  }
  return without_long_base64(kept);
}

}  // namespace provost::support
