// Runs the built program as a user would; files for it in a directory that goes away with the test.
#pragma once
#include <string>
#include <vector>

namespace lockstep::test {

struct Outcome {
  int code = -1;
  std::string out;
  std::string err;
};

// `environment` holds NAME=VALUE; the rest is inherited. Standard input is empty.
Outcome run_lockstep(const std::vector<std::string>& arguments,
                     const std::vector<std::string>& environment = {});

class Directory {
 public:
  Directory();
  ~Directory();
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;

  // Writes a file and returns its path.
  std::string write(const std::string& name, const std::string& text) const;
  [[nodiscard]] std::string path(const std::string& name) const { return path_ + "/" + name; }
  [[nodiscard]] std::string read(const std::string& name) const;
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace lockstep::test
