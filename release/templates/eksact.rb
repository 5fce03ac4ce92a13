# Homebrew: put it into a tap as Formula/eksact.rb. Filled by scripts/release.
class Eksact < Formula
  desc "Plan and apply who may do what on Amazon EKS"
  homepage "${homepage}"
  version "${version}"
  license any_of: ["MIT", "Apache-2.0"]

  # if aarch64-apple-darwin
  if OS.mac? && Hardware::CPU.arm?
    url "${url}"
    sha256 "${sha256}"
  end
  # end
  # if x86_64-apple-darwin
  if OS.mac? && Hardware::CPU.intel?
    url "${url}"
    sha256 "${sha256}"
  end
  # end
  # if x86_64-unknown-linux-gnu
  if OS.linux? && Hardware::CPU.intel?
    url "${url}"
    sha256 "${sha256}"
  end
  # end
  # if aarch64-unknown-linux-gnu
  if OS.linux? && Hardware::CPU.arm?
    url "${url}"
    sha256 "${sha256}"
  end
  # end

  def install
    bin.install "eksact"
    man1.install Dir["man/*.1"]
    bash_completion.install "completions/eksact.bash" => "eksact"
    zsh_completion.install "completions/_eksact"
    fish_completion.install "completions/eksact.fish"
  end

  test do
    assert_match version.to_s, shell_output("#{bin}/eksact --version")
  end
end
