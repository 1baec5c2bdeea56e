//! x
pub(crate) fn affix(
    _: &[crate::functions::Arg],
    _: bool,
) -> roost_engine::error::Result<crate::functions::BoundFunction> {
    Err(roost_engine::error::Error::bug(""))
}
