# Writes imputation_results.csv (case, name, value) and imputation_versions.txt: the numbers that
# test_parity_of_imputation.py expects. Usage: Rscript make_imputation.R [folder to write to]; reads incomplete.csv
# beside this script. The draws of mice cannot be repeated elsewhere; its deterministic steps, its rules of pooling and
# the distribution of its results can.

suppressPackageStartupMessages({
  library(mice)
  library(nnet)
})

arguments <- commandArgs(trailingOnly = FALSE)
here <- dirname(sub("^--file=", "", grep("^--file=", arguments, value = TRUE)))
trailing <- commandArgs(trailingOnly = TRUE)
target <- if (length(trailing)) trailing[1] else here

rows <- list()
keep <- function(case, ...) {
  values <- c(...)
  rows[[length(rows) + 1]] <<- data.frame(case = case, name = names(values), value = sprintf("%.17g", values))
}
number <- function(values, prefix) setNames(as.numeric(values), paste0(prefix, seq_along(values)))

data <- read.csv(file.path(here, "incomplete.csv"), na.strings = "")
data$bridging <- factor(data$bridging)
data$target <- factor(data$target, c("CD19", "BCMA", "dual"))
outcome <- event ~ age + anc + crp + bridging + target

# Pooling: estimates and standard errors of each fit, and what pool() makes of them.
# mice's own rule for the degrees of freedom of the complete data is nobs - number of coefficients.
for (m in c(3, 20)) {
  imputed <- mice(data, m = m, maxit = 5, seed = m, printFlag = FALSE)
  fits <- with(imputed, glm(event ~ age + anc + crp + bridging + target, family = binomial))
  for (dfcom in c(56, Inf)) {
    pooled <- pool(fits, dfcom = dfcom)
    limits <- summary(pooled, conf.int = TRUE)
    for (place in seq_len(nrow(limits))) {
      case <- paste("pool", m, dfcom, place, sep = "_")
      each <- lapply(fits$analyses, function(one) coef(summary(one))[place, 1:2])
      keep(case, number(sapply(each, `[`, 1), "estimate_"), number(sapply(each, `[`, 2), "error_"))
      keep(case, unlist(pooled$pooled[place, c("estimate", "ubar", "b", "t", "df", "riv", "lambda", "fmi")]))
      keep(case, low = limits[place, "2.5 %"], high = limits[place, "97.5 %"], p = limits[place, "p.value"])
    }
  }
}
# No variance between imputations: lambda is not let fall below 1e-4.
same <- pool.scalar(rep(0.7, 5), rep(0.04, 5), n = 63, k = 2)
keep("scalar_same", t = same$t, df = same$df, fmi = same$fmi, riv = same$r)
flat <- pool.scalar(c(0.2, 0.4), c(1, 1.2), n = Inf)
keep("scalar_two", t = flat$t, df = flat$df, fmi = flat$fmi, riv = flat$r)

# One step of predictive mean matching on numbers.
known <- na.omit(data[, c("event", "age", "anc", "crp")])
x <- cbind(1, as.matrix(known[, c("event", "age", "anc")]))
fit <- estimice(x, known$crp)
keep("estimice", number(fit$c, "coefficient_"), number(fit$v, "variance_"), squares = sum(fit$r^2), df = fit$df)

# The donors of each target: everybody whom mice draws in many draws.
d <- c(-5, 5, 0, 10, 12, 0, 0, 3.5, 7, -1)
t <- c(-6, -4, 0, 2, 4, -2, 6, 30, 8.5)
set.seed(1)
seen <- lapply(seq_along(t), function(i) integer())
for (i in 1:4000) {
  drawn <- mice:::matchindex(d, t, 3L)
  for (place in seq_along(t)) seen[[place]] <- union(seen[[place]], drawn[place])
}
for (place in seq_along(t)) keep(paste0("donors_3_", place), number(sort(seen[[place]]), "donor_"))
nearest <- mice:::matchindex(d[-c(6, 7)], t[-9], 1L)
keep("donors_1", number(nearest, "donor_"))

# Levels: the weighted fit on the augmented rows.
fill <- data
fill$anc[is.na(fill$anc)] <- 2.5
fill$crp[is.na(fill$crp)] <- 12
predictors <- as.matrix(fill[, c("event", "age", "anc", "crp")])
observed <- !is.na(data$bridging)
more <- mice:::augment(data$bridging, observed, predictors, !observed)
fit <- suppressWarnings(glm.fit(cbind(1, as.matrix(more$x))[more$ry, ], more$y[more$ry],
  family = quasibinomial(), weights = more$w[more$ry], control = list(epsilon = 1e-14, maxit = 100)))
keep("logreg", number(coef(fit), "coefficient_"), number(summary.glm(fit)$cov.unscaled, "variance_"))
observed <- !is.na(data$target)
more <- mice:::augment(data$target, observed, predictors, !observed)
scaled <- data.frame(y = more$y, scale(more$x, center = c(0, 60, 0, 0), scale = c(1, 10, 1, 10)))
fit <- multinom(y ~ ., data = scaled[more$ry, ], weights = more$w[more$ry], maxit = 10000, reltol = 1e-16,
  abstol = 1e-12, trace = FALSE)
keep("polyreg", number(t(coef(fit)), "coefficient_"))

# The distribution of what mice finds: 1000 imputations, so that its mean and spread are nearly free of chance.
many <- mice(data[, c("event", "age", "anc", "crp")], m = 1000, maxit = 10, seed = 7, printFlag = FALSE)
fits <- with(many, glm(event ~ age + anc + crp, family = binomial))
pooled <- pool(fits)$pooled
for (place in seq_len(nrow(pooled))) {
  keep(paste0("many_numbers_", place), unlist(pooled[place, c("estimate", "ubar", "b", "fmi")]))
}
means <- sapply(1:1000, function(i) colMeans(complete(many, i)[, c("anc", "crp")]))
keep("many_means", anc = mean(means["anc", ]), crp = mean(means["crp", ]), anc_variance = var(means["anc", ]),
  crp_variance = var(means["crp", ]))
many <- mice(data[, c("event", "age", "crp", "bridging")], m = 1000, maxit = 10, seed = 8, printFlag = FALSE)
fits <- with(many, glm(event ~ age + crp + bridging, family = binomial))
pooled <- pool(fits)$pooled
for (place in seq_len(nrow(pooled))) {
  keep(paste0("many_levels_", place), unlist(pooled[place, c("estimate", "ubar", "b", "fmi")]))
}

write.csv(do.call(rbind, rows), file.path(target, "imputation_results.csv"), row.names = FALSE, quote = FALSE)
writeLines(c(R.version.string, paste("mice", packageVersion("mice")), paste("nnet", packageVersion("nnet"))),
  file.path(target, "imputation_versions.txt"))
