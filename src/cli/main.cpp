// provost: the command line.
#include <csignal>
#include <exception>
#include <iostream>

#include "cli/program.hpp"

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  try {
    provost::cli::Program program;
    return program.run(argc, argv);
  } catch (const std::exception& problem) {
    std::cerr << "provost: a fault of its own: " << problem.what() << "\n";
    return provost::cli::kFailed;
  }
}
