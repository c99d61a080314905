# What each contender in R does around its work: time it, read its memory, tell the race (see harness.py).
MOST_RUNS <- 10
tell <- function(...) cat("race", ..., sep = "\t", fill = FALSE)
end <- function(...) { tell(...); cat("\n"); flush(stdout()) }

memory_peak <- function() {
  if (!file.exists("/proc/self/status")) return("nan")
  line <- grep("^VmHWM", readLines("/proc/self/status"), value = TRUE)
  sprintf("%.0f", as.numeric(gsub("[^0-9]", "", line)) * 1024)
}

# `contenders`: a list of list(packages, prepare); prepare(folder, options) gives the work, a function that
# returns a list of numbers. Arguments: NAME FOLDER RUNS SECONDS [OPTION=NUMBER ...].
compete <- function(contenders) {
  words <- commandArgs(trailingOnly = TRUE)
  given <- words[-(1:4)]
  options <- setNames(as.list(as.numeric(sub(".*=", "", given))), sub("=.*", "", given))
  contender <- contenders[[words[1]]]
  for (package in contender$packages) {
    if (!requireNamespace(package, quietly = TRUE)) return(end("missing", paste("R package", package)))
  }
  for (package in contender$packages) suppressPackageStartupMessages(library(package, character.only = TRUE))
  work <- contender$prepare(words[2], options)
  numbers <- work()
  end("cold", sprintf("%.6f", as.numeric(Sys.time())))
  runs <- as.integer(words[3])
  began <- proc.time()[["elapsed"]]
  for (done in seq_len(MOST_RUNS * runs)) {
    if (done > runs && proc.time()[["elapsed"]] - began > as.numeric(words[4])) break
    started <- Sys.time()
    used <- sum(proc.time()[1:2])
    work()
    wall <- as.numeric(difftime(Sys.time(), started, units = "secs"))
    end("warm", sprintf("%.6f", wall), sprintf("%.6f", sum(proc.time()[1:2]) - used))
  }
  end("peak", memory_peak())
  for (name in names(numbers)) end("number", name, sub("NA", "nan", sprintf("%.17g", numbers[[name]])))
  end("version", "R", paste(R.version$major, R.version$minor, sep = "."))
  for (package in contender$packages) end("version", package, as.character(packageVersion(package)))
}
