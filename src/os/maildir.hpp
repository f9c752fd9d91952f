// A Maildir, the form of a mailbox that every mail program reads: a message is one file in new/,
// written whole or not at all.
#pragma once

#include <string>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"

namespace provost::os {

struct Letter {
  std::string name;  ///< of its file: a letter that is written again replaces itself
  std::string from;  ///< "Provost <root>"
  std::string to;    ///< "Minh Nguyen <minh>"
  std::string subject;
  UtcTime time{};
  std::string text;  ///< lines, UTF-8
};

/// The message as RFC 5322 has it. Whatever the fields hold, none ends a header line. Pure.
std::string to_message(const Letter& letter);
/// The letter of a message that `to_message` made; fields that are not there stay empty. Any text.
Letter from_message(std::string_view message);

/// Makes the Maildir if need be and puts the letter in new/. Errors: those of writing.
Status deliver(const std::string& maildir, const Letter& letter);

/// The newest `most` letters of new/ and cur/, the newest first.
std::vector<Letter> letters(const std::string& maildir, std::size_t most);

/// Takes away letters of new/ and cur/ older than `before`, by the time in their names.
void forget_letters(const std::string& maildir, UtcTime before);

}  // namespace provost::os
