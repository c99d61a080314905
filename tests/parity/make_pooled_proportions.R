# Writes pooled_proportions_results.csv (case, name, value) and pooled_proportions_versions.txt: the numbers that
# test_parity_of_pooled_proportions.py expects. The counts are invented for this script, but for `published`: early ICAHT of
# grade 3 or 4 in three cohorts of data/cohorts (mantle cell lymphoma, myeloma, Fred Hutch 2024).
# Usage: Rscript make_pooled_proportions.R [folder to write to]

suppressPackageStartupMessages({library(lme4); library(metafor)})

arguments <- commandArgs(trailingOnly = FALSE)
here <- dirname(sub("^--file=", "", grep("^--file=", arguments, value = TRUE)))
trailing <- commandArgs(trailingOnly = TRUE)
target <- if (length(trailing)) trailing[1] else here

cases <- list(
  spread = list(x = c(29, 17, 77, 83, 6), n = c(103, 112, 454, 156, 61)),
  alike = list(x = c(10, 13, 8, 20, 9), n = c(50, 60, 41, 100, 46)),
  zeros = list(x = c(0, 1, 3, 0, 10, 5), n = c(20, 25, 30, 15, 40, 22)),
  ceiling = list(x = c(19, 25, 28, 12), n = c(20, 25, 30, 20)),
  published = list(x = c(29, 17, 95), n = c(103, 112, 602)),
  three = list(x = c(5, 12, 30), n = c(40, 38, 55)),
  many = list(x = c(12, 3, 40, 22, 8, 17, 31, 5, 60, 14, 9, 2),
              n = c(40, 31, 88, 70, 12, 52, 45, 33, 130, 41, 60, 9)))

rows <- list()
keep <- function(case, ...) {
  values <- c(...)
  rows[[length(rows) + 1]] <<- data.frame(case = case, name = names(values), value = sprintf("%.17g", values))
}
# The likelihood itself: the binomial integrated over the normal effect of each cohort, by R's integrate.
likelihood <- function(mu, tau, x, n) {
  one <- function(x, n) {
    at <- function(u) exp(dbinom(x, n, plogis(mu + tau * u), log = TRUE) + dnorm(u, log = TRUE))
    inner <- optimize(function(u) log(at(u)), c(-8, 8), maximum = TRUE)$maximum
    ends <- c(-12, inner - 0.5, inner, inner + 0.5, 12)
    parts <- mapply(function(a, b) integrate(at, a, b, rel.tol = 1e-12, subdivisions = 500)$value,
                    ends[-5], ends[-1])
    log(sum(parts))
  }
  sum(mapply(one, x, n))
}
for (case in names(cases)) {
  x <- cases[[case]]$x; n <- cases[[case]]$n; k <- length(x)
  d <- data.frame(x = x, n = n, study = factor(seq_len(k)))
  strict <- glmerControl(optimizer = "bobyqa", optCtrl = list(maxfun = 1e5, rhoend = 1e-9))
  fit <- suppressMessages(glmer(cbind(x, n - x) ~ 1 + (1 | study), d, binomial, nAGQ = 25, control = strict))
  start <- c(fixef(fit)[[1]], max(getME(fit, "theta")[[1]], 0))
  minus <- function(p) -likelihood(p[1], abs(p[2]), x, n)
  best <- optim(start + c(0.3, 0.3), minus, method = "Nelder-Mead", control = list(reltol = 1e-15, maxit = 5000))
  best <- optim(best$par, minus, method = "Nelder-Mead", control = list(reltol = 1e-15, maxit = 5000))
  tau <- abs(best$par[2]); tau <- if (tau < 1e-4) 0 else tau
  mu <- best$par[1]
  hessian <- numDeriv::hessian(minus, c(mu, tau))
  se <- sqrt(solve(hessian)[1, 1])
  keep(paste0(case, "_exact"), mean_logit = mu, standard_error = se, tau_squared = tau^2,
       low = plogis(mu - qt(0.975, k - 1) * se), high = plogis(mu + qt(0.975, k - 1) * se),
       prediction_low = plogis(mu - qt(0.975, k - 2) * sqrt(tau^2 + se^2)),
       prediction_high = plogis(mu + qt(0.975, k - 2) * sqrt(tau^2 + se^2)))
  keep(paste0(case, "_glmer"), mean_logit = fixef(fit)[[1]], standard_error = sqrt(vcov(fit)[1, 1]),
       tau_squared = VarCorr(fit)$study[1, 1])
  meta <- suppressWarnings(rma.glmm(measure = "PLO", xi = x, ni = n, nAGQ = 25, test = "t"))
  keep(paste0(case, "_metafor"), low = plogis(meta$ci.lb), high = plogis(meta$ci.ub))
  keep(paste0(case, "_share"), i_squared = meta$I2)
}
for (one in list(c(0, 20), c(48, 63), c(21, 60), c(25, 25), c(1, 3)))
  keep(sprintf("wilson_%d_%d", one[1], one[2]),
       setNames(prop.test(one[1], one[2], correct = FALSE)$conf.int, c("low", "high")))

write.csv(do.call(rbind, rows), file.path(target, "pooled_proportions_results.csv"), row.names = FALSE, quote = FALSE)
packages <- c("lme4", "metafor", "numDeriv")
versions <- c(R.version.string, sprintf("%s %s", packages, sapply(packages, function(p) as.character(packageVersion(p)))))
writeLines(versions, file.path(target, "pooled_proportions_versions.txt"))
