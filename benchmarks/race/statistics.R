# The statistics by packages of R. Usage: see harness.R.
source(file.path(dirname(sub("^--file=", "", grep("^--file=", commandArgs(), value = TRUE))), "harness.R"))
read <- function(folder) read.csv(file.path(folder, "data.csv"))

cuts <- function(folder, options) {
  data <- read(folder)
  function() {
    set.seed(1)
    found <- suppressMessages(cutpointr(
      data, value, event,
      pos_class = 1, neg_class = 0, direction = ">=", method = maximize_metric, metric = youden,
      use_midpoints = TRUE, break_ties = c, boot_runs = options$resamples
    ))
    list(cut = min(unlist(found$optimal_cutpoint)), Youden = unlist(found$youden)[1],
      "Youden outside" = mean(unlist(found$boot[[1]]$youden_oob), na.rm = TRUE))
  }
}

area <- function(folder, options) {
  data <- read(folder)
  function() {
    limits <- ci.auc(roc(data$event, data$value, levels = c(0, 1), direction = "<", quiet = TRUE), method = "delong")
    list(area = limits[2], low = limits[1], high = limits[3])
  }
}

validation <- function(folder, options) {
  fit <- lrm(event ~ ., data = read(folder), x = TRUE, y = TRUE, tol = 1e-12)
  function() {
    set.seed(1)
    checked <- validate(fit, B = options$resamples, tol = 1e-12)
    list(C = (1 + checked["Dxy", "index.orig"]) / 2, "C corrected" = (1 + checked["Dxy", "index.corrected"]) / 2,
      "slope corrected" = checked["Slope", "index.corrected"])
  }
}

imputation <- function(folder, options) {
  data <- read(folder)
  function() {
    found <- mice(data, m = options$imputations, maxit = options$iterations, method = "pmm", printFlag = FALSE, seed = 1)
    values <- complete(found, "long")$x1
    list(mean = mean(values), SD = sd(values))
  }
}

firth <- function(folder, options) {
  data <- read(folder)
  function() {
    fit <- glm(event ~ ., binomial, data, method = "brglmFit", type = "AS_mean", epsilon = 1e-10, maxit = 1000)
    found <- as.list(coef(fit)[-1])
    setNames(found, paste("coefficient of", names(found)))
  }
}

table_one <- function(folder, options) {
  patients <- read.csv(file.path(folder, "patients.csv"))
  words <- c("sex", "diagnosis", "ecog")
  function() {
    found <- CreateTableOne(c("age_years", "prior_lines", words), "bridging", patients, words)
    invisible(print(found, nonnormal = c("age_years", "prior_lines"), printToggle = FALSE))
    p <- c(attr(found$ContTable, "pValues")[, "pNonNormal"], attr(found$CatTable, "pValues")[, "pApprox"])
    names(p) <- paste("P of", c("age_years", "prior_lines", words))
    as.list(p[names(p) != "P of sex"])
  }
}

compete(list(
  cuts = list(packages = "cutpointr", prepare = cuts),
  roc = list(packages = "pROC", prepare = area),
  validation = list(packages = "rms", prepare = validation),
  imputation = list(packages = "mice", prepare = imputation),
  firth = list(packages = "brglm2", prepare = firth),
  table_one = list(packages = "tableone", prepare = table_one)
))
