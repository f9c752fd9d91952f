// provost as people have it on login nodes.
#include <csignal>
#include <exception>
#include <iostream>

#include "cli/people.hpp"

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  try {
    provost::cli::PeopleProgram program;
    return program.run(argc, argv);
  } catch (const std::exception& problem) {
    std::cerr << "provost: a fault of its own: " << problem.what() << "\n";
    return provost::cli::kFailed;
  }
}
