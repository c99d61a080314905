# Writes clip_results.csv (case, name, value) and clip_versions.txt: the numbers that test_parity_of_clip.py expects.
# Usage: Rscript make_clip.R [folder to write to]; reads pooling_tables.csv beside this script.
#
# CLIP.confint of logistf is not at hand; this is the method written anew from Heinze, Ploner and Beyea (Statistics in
# Medicine 2013;32:5062-5076), with base R only. For each imputed table: the penalized log-likelihood l + log|I| / 2 is
# climbed by optim, once with all coefficients free and once for each value b of the coefficient of interest. The
# signed root of twice the drop is read as a standard normal quantile; the mean of these distributions over the tables
# is the posterior, whose 2.5% and 97.5% points (uniroot) are the interval and whose tail at 0, doubled, is P.

arguments <- commandArgs(trailingOnly = FALSE)
here <- dirname(sub("^--file=", "", grep("^--file=", arguments, value = TRUE)))
trailing <- commandArgs(trailingOnly = TRUE)
target <- if (length(trailing)) trailing[1] else here

rows <- list()
keep <- function(case, ...) {
  values <- c(...)
  rows[[length(rows) + 1]] <<- data.frame(case = case, name = names(values), value = sprintf("%.17g", values))
}

penalized <- function(beta, x, y) {
  eta <- drop(x %*% beta)
  p <- plogis(eta)
  information <- crossprod(x * sqrt(p * (1 - p)))
  sum(plogis(ifelse(y == 1, eta, -eta), log.p = TRUE)) + as.numeric(determinant(information)$modulus) / 2
}
slope <- function(beta, x, y) {
  p <- plogis(drop(x %*% beta))
  w <- p * (1 - p)
  h <- w * rowSums((x %*% solve(crossprod(x * sqrt(w)))) * x)
  drop(crossprod(x, y - p + h * (0.5 - p)))
}
# The top with some coefficients held: optim, started again where it stopped until that leads no higher.
climb <- function(beta, free, x, y) {
  if (!length(free)) return(list(beta = beta, value = penalized(beta, x, y)))
  put <- function(part) replace(beta, free, part)
  best <- -Inf
  repeat {
    found <- optim(beta[free], function(part) -penalized(put(part), x, y),
      function(part) -slope(put(part), x, y)[free], method = "BFGS", control = list(reltol = 1e-16, maxit = 1000))
    beta <- put(found$par)
    if (-found$value <= best + 1e-13) return(list(beta = beta, value = max(best, -found$value)))
    best <- -found$value
  }
}

# Columns are moved and scaled for the climb; the coefficients of interest are given back per unit.
clip <- function(case, tables, make, y) {
  designs <- lapply(tables, make)
  spreads <- lapply(designs, function(x) apply(x, 2, sd))
  scaled <- lapply(designs, function(x) cbind(1, scale(x)))
  tops <- lapply(scaled, function(x) climb(rep(0, ncol(x)), seq_len(ncol(x)), x, y))
  for (place in seq_len(ncol(designs[[1]]))) {
    below <- function(value) {
      mean(mapply(function(x, top, spread) {
        held <- value * spread[place]
        start <- replace(top$beta, place + 1, held)
        drop <- max(0, 2 * (top$value - climb(start, setdiff(seq_along(start), place + 1), x, y)$value))
        pnorm(sign(held - top$beta[place + 1]) * sqrt(drop))
      }, scaled, tops, spreads))
    }
    each <- mapply(function(top, spread) top$beta[place + 1] / spread[place], tops, spreads)
    find <- function(aim) {
      # As far out as needed and no further: far away the information has no inverse.
      step <- sign(aim - 0.5) / spreads[[1]][place]
      end <- mean(each) + step
      while ((below(end) - aim) * step < 0) end <- end + step
      uniroot(function(value) below(value) - aim, sort(c(mean(each), end)), tol = 1e-11)$root
    }
    tail <- below(0)
    keep(paste(case, place, sep = "_"), estimate = mean(each), low = find(0.025), high = find(0.975),
      p = 2 * min(tail, 1 - tail))
  }
}

written <- read.csv(file.path(here, "pooling_tables.csv"))
tables <- split(written, written$imputation)
y <- tables[[1]]$event
clip("numbers", tables, function(one) as.matrix(one[, c("anc", "crp", "bridging")]), y)
# A rare column, with which the events are nearly separated in some tables.
clip("rare", tables, function(one) cbind(rare = as.numeric(one$crp > 45), anc = one$anc), y)
few <- unlist(tapply(seq_along(y), y, head, 10))
clip("few", lapply(tables, function(one) one[few, ]), function(one) cbind(anc = one$anc, crp = one$crp), y[few])
# One table many times: the interval of the profile itself.
clip("same", rep(tables[1], 3), function(one) cbind(anc = one$anc), y)

write.csv(do.call(rbind, rows), file.path(target, "clip_results.csv"), row.names = FALSE, quote = FALSE)
writeLines(R.version.string, file.path(target, "clip_versions.txt"))
