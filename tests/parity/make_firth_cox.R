# Firth's Cox regression written out, as coxphf has it: Rscript make_firth_cox.R [target folder].
# coxphf is in no Debian release; this script shares no code with it or with this package. The penalized partial
# likelihood (Breslow's ties, half the log determinant of the information of all columns added) is maximized by
# optim; an end of an interval is where twice the drop of its profile meets the quantile (uniroot, optim for the
# others); P is the ratio of the likelihoods with the coefficient at zero. Partial likelihood and information are
# checked at each top against survival::coxph, which is stopped there (iter.max = 0).
# Reads times_to_event.csv beside it; two small samples are typed here and in the test. Writes
# firth_cox_results.csv (case, name, value) and firth_cox_versions.txt.

suppressPackageStartupMessages(library(survival))
arguments <- commandArgs(trailingOnly = FALSE)
here <- dirname(sub("^--file=", "", grep("^--file=", arguments, value = TRUE)))
trailing <- commandArgs(trailingOnly = TRUE)
target <- if (length(trailing)) trailing[1] else here

rows <- list()
keep <- function(case, ...) {
  values <- c(...)
  values <- values[is.finite(values)]
  rows[[length(rows) + 1]] <<- data.frame(case = case, name = names(values), value = sprintf("%.17g", values))
}

# Log partial likelihood and information by sums over who is at risk at each death.
measure <- function(beta, time, status, columns) {
  score <- drop(columns %*% beta)
  top <- max(score)
  value <- 0
  information <- matrix(0, ncol(columns), ncol(columns))
  for (row in which(status == 1)) {
    at_risk <- time >= time[row]
    weight <- exp(score[at_risk] - top)
    value <- value + score[row] - top - log(sum(weight))
    weight <- weight / sum(weight)
    own <- columns[at_risk, , drop = FALSE]
    mean <- colSums(own * weight)
    information <- information + crossprod(own * sqrt(weight)) - tcrossprod(mean)
  }
  list(value = value, information = information)
}

penalize <- function(beta, ...) {
  found <- measure(beta, ...)
  logarithm <- determinant(found$information)
  if (logarithm$sign <= 0 || !is.finite(logarithm$modulus)) return(-Inf)
  found$value + logarithm$modulus[1] / 2
}

# The top with one coefficient held at a value, or over all of them.
climb <- function(start, held, at, ...) {
  free <- setdiff(seq_along(start), held)
  fill <- function(weights) {
    beta <- start
    beta[held] <- at
    beta[free] <- weights
    beta
  }
  miss <- function(weights) {
    found <- penalize(fill(weights), ...)
    if (is.finite(found)) -found else 1e10
  }
  if (!length(free)) return(list(beta = fill(numeric(0)), value = penalize(fill(numeric(0)), ...)))
  best <- start[free]
  for (again in 1:6) {
    best <- optim(best, miss, method = "BFGS", control = list(reltol = 1e-16, maxit = 2000, ndeps = rep(1e-5, length(free))))$par
  }
  # Newton's steps by differences of the height bring the last digits.
  for (again in 1:4) {
    hessian <- optimHess(best, miss, control = list(ndeps = rep(1e-4, length(free))))
    slope <- sapply(seq_along(free), function(place) {
      step <- replace(numeric(length(free)), place, 1e-4)
      (miss(best + step) - miss(best - step)) / 2e-4
    })
    next_one <- best - solve(hessian, slope)
    if (miss(next_one) <= miss(best)) best <- next_one
  }
  list(beta = fill(best), value = -miss(best))
}

fit <- function(case, time, status, columns, names) {
  center <- colMeans(columns)
  spread <- apply(columns, 2, sd)
  scaled <- sweep(sweep(columns, 2, center), 2, spread, "/")
  colnames(scaled) <- NULL
  given <- list(time = time, status = status, columns = scaled)
  height <- function(start, held, at) do.call(climb, c(list(start, held, at), given))
  top <- height(numeric(ncol(scaled)), integer(0), numeric(0))
  own <- do.call(measure, c(list(top$beta), given))
  hook <- coxph(Surv(time, status) ~ scaled, init = top$beta, ties = "breslow", iter.max = 0)
  stopifnot(abs(hook$loglik[1] - own$value) < 1e-9 * (1 + abs(own$value)))
  stopifnot(max(abs(solve(vcov(hook)) - own$information)) < 1e-7 * max(abs(own$information)))
  errors <- sqrt(diag(solve(own$information)))
  for (place in seq_along(names)) {
    zero <- height(top$beta, place, 0)
    ratio <- 2 * (top$value - zero$value)
    miss <- function(value) 2 * (top$value - height(top$beta, place, value)$value) - qchisq(0.95, 1)
    ends <- sapply(c(-1, 1), function(side) {
      far <- 1
      while (far < 60 && miss(top$beta[place] + side * far * errors[place]) < 0) far <- far * 1.6
      if (far >= 60) return(NA)
      away <- sort(top$beta[place] + side * c(0, far) * errors[place])
      uniroot(miss, away, tol = 1e-10)$root
    })
    keep(
      paste(case, names[place], sep = "|"),
      coefficient = top$beta[place] / spread[place],
      standard_error = errors[place] / spread[place],
      low = exp(ends[1] / spread[place]),
      high = exp(ends[2] / spread[place]),
      p_value = pchisq(ratio, 1, lower.tail = FALSE)
    )
  }
}

all <- read.csv(file.path(here, "times_to_event.csv"))
for (name in c("freireich", "small", "ties", "heart", "crossing")) {
  data <- all[all$sample == name, ]
  status <- as.integer(data$event == 1)
  fit(paste(name, "x1", sep = "|"), data$time, status, cbind(data$x1), "x1")
  fit(paste(name, "x1 x2", sep = "|"), data$time, status, cbind(data$x1, data$x2), c("x1", "x2"))
}
# Everybody who dies has the sign: maximum likelihood has no finite estimate. And three deaths, as in a cohort that
# is followed for four weeks.
fit("monotone", c(2, 3, 5, 7, 8, 9, 11, 12, 14, 15), c(1, 1, 1, 0, 1, 0, 0, 0, 0, 0),
  cbind(c(1, 1, 1, 0, 1, 0, 1, 0, 0, 1)), "x")
fit("three", c(4, 9, 20, 28, 28, 28, 28, 28, 28, 28, 28, 28), c(1, 1, 1, rep(0, 9)),
  cbind(c(1, 0, 1, 0, 0, 1, 0, 0, 1, 0, 0, 0), c(3.1, 2.2, 4.0, 2.9, 1.8, 3.6, 2.4, 3.3, 2.1, 3.9, 2.0, 2.7)),
  c("x", "y"))

write.csv(do.call(rbind, rows), file.path(target, "firth_cox_results.csv"), row.names = FALSE, quote = FALSE)
writeLines(
  c(R.version.string, paste("survival", packageVersion("survival"))), file.path(target, "firth_cox_versions.txt")
)
